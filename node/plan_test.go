package node

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// plan is a story that real peers and simulated ones play alike. Of its hosts the
// first owns the feed, the next three speak in the square in turn, and two more are
// far from everybody.
type plan struct {
	contacts  []int // the earlier host that each knows at first, and no other; of the first none
	victims   []int // these fall silent, all at once
	near, far time.Duration
	mbps      int // each way
	items     int // in each topic, one every pause
	pause     time.Duration
	killAfter int           // items
	lateAfter int           // items: then the last host comes
	settle    time.Duration // from the last start to the first item
	patience  time.Duration // from the last item to when nothing may be missing
}

const (
	planAuthor = 0
	planFar    = 4 // and the next
	planOthers = 6

	theFeed   = "feed"
	theSquare = "square"
)

// newPlan draws who knows whom and who dies of a number of hosts and a late one.
func newPlan(hosts int) plan {
	p := plan{
		near: 20 * time.Millisecond, far: 100 * time.Millisecond, mbps: 1000,
		items: 30, pause: 100 * time.Millisecond, killAfter: 15, lateAfter: 20,
		settle: 10 * time.Second, patience: 30 * time.Second,
	}
	rng := rand.New(rand.NewPCG(2010, uint64(hosts)))
	for i := range hosts {
		p.contacts = append(p.contacts, rng.IntN(max(1, i)))
	}
	for _, i := range rng.Perm(hosts - planOthers)[:hosts/4] {
		p.victims = append(p.victims, planOthers+i)
	}
	alive := rng.IntN(hosts)
	for slices.Contains(p.victims, alive) {
		alive = rng.IntN(hosts)
	}
	p.contacts = append(p.contacts, alive)
	return p
}

// latency is the one-way delay between two hosts.
func (p *plan) latency(a, b int) time.Duration {
	if isFar := func(h int) bool { return h == planFar || h == planFar+1 }; isFar(a) || isFar(b) {
		return p.far
	}
	return p.near
}

// speaker is who says something in the square.
func (p *plan) speaker(item int) int { return 1 + item%3 }

// survivors are the hosts that must have everything in the end.
func (p *plan) survivors() (list []int) {
	for i := range p.contacts {
		if !slices.Contains(p.victims, i) {
			list = append(list, i)
		}
	}
	return list
}

// players is what can play a plan.
type players interface {
	// add starts the next host, which joins both topics, reads them from their start,
	// and knows one other; the first knows none.
	add(contact int)
	// publish has a host publish a text; it takes no time.
	publish(host int, topic, text string)
	// kill has a host fall silent.
	kill(host int)
	pass(d time.Duration)
	// now is the time since the start.
	now() time.Duration
	// read returns what the readers of a host have got, in order.
	read(host int) []reading
	// copies is how many copies of items a host has been sent.
	copies(host int) uint64
}

// reading is what one reader got at one time.
type reading struct {
	topic, text string
	at          time.Duration
}

// account is what became of a plan.
type account struct {
	said     map[string]saying // by text
	killed   time.Duration     // when
	complete time.Duration     // from the last item to when nothing was missing
	read     map[int][]reading // by host
	copies   uint64            // that survivors were sent
}

// saying is the publishing of an item.
type saying struct {
	host int
	at   time.Duration
}

// play tells the story.
func (p *plan) play(s players) account {
	a := account{said: make(map[string]saying), read: make(map[int][]reading)}
	late := len(p.contacts) - 1
	for _, contact := range p.contacts[:late] {
		s.add(contact)
		s.pass(p.pause) // else the timers of all would tick in step
	}
	s.pass(p.settle)
	say := func(host int, topic string, i int) {
		text := fmt.Sprint(topic, " ", i)
		a.said[text] = saying{host, s.now()}
		s.publish(host, topic, text)
	}
	for i := range p.items {
		switch i {
		case p.killAfter:
			a.killed = s.now()
			for _, v := range p.victims {
				s.kill(v)
			}
		case p.lateAfter:
			s.add(p.contacts[late])
		}
		say(planAuthor, theFeed, i)
		say(p.speaker(i), theSquare, i)
		s.pass(p.pause)
	}
	for last := s.now(); p.missing(s) && a.complete < p.patience; a.complete = s.now() - last {
		s.pass(p.pause)
	}
	s.pass(3 * time.Second) // for what may come twice
	for i := range p.contacts {
		a.read[i] = s.read(i)
	}
	for _, i := range p.survivors() {
		a.copies += s.copies(i)
	}
	return a
}

// missing reports whether a survivor lacks an item, or so it seems by numbers.
func (p *plan) missing(s players) bool {
	return slices.ContainsFunc(p.survivors(), func(i int) bool { return len(s.read(i)) < 2*p.items })
}
