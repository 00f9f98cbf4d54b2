package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/adversary"
)

// siege is a crowd some of whose places are adversaries'. Host 0 publishes a feed,
// hosts 1 to 3 in an open topic; they are honest.
type siege struct {
	*crowd
	honest []*Host
	evil   map[int]bool // by index
	at     map[protocol.ItemID]protocol.Time
	late   []time.Duration // of every delivery to an honest host
}

// newSiege adds hosts at so many places, a share of them adversaries, each with one
// earlier honest host for its only contact, and lets them settle.
func newSiege(t *testing.T, cfg Config, attack adversary.Attack, places int, share float64, settle time.Duration) *siege {
	s := &siege{evil: make(map[int]bool), at: make(map[protocol.ItemID]protocol.Time)}
	bounds := checkBounds(t)
	cfg.After = func(h *Host) {
		if !s.evil[h.Index()] {
			bounds(h)
		}
	}
	cfg.Delivered = func(h *Host, it *protocol.Item) {
		if !h.net.shelf.genuine(it) {
			t.Fatalf("at %v host %d delivers the forged item %v", h.lane.now, h.index, it.ID)
		}
		if at, ok := s.at[it.ID]; ok && !s.evil[h.Index()] {
			s.late = append(s.late, h.lane.now.Sub(at))
		}
	}
	s.crowd = &crowd{Network: New(cfg), t: t}
	rng := rand.New(rand.NewPCG(cfg.Seed, 6))
	plot := adversary.NewPlot()
	bad := make([]bool, places)
	for _, i := range rng.Perm(places - 4)[:int(share*float64(places))] {
		bad[4+i] = true
	}
	for i := range places {
		n, wrap := 1, Wrap(nil)
		if bad[i] {
			n, wrap = attack.Identities, attack.Wrap(plot)
		}
		for range n {
			s.evil[len(s.Hosts())] = bad[i]
			s.join(s.AddAt(i, wrap), rng)
		}
		s.pass(time.Millisecond)
	}
	s.pass(settle)
	return s
}

// join has a new host take part.
func (s *siege) join(h *Host, rng *rand.Rand) {
	h.Join(feedTopic, s.Hosts()[0].ID())
	h.Join(openTopic, "")
	if len(s.honest) > 0 {
		h.Contact(s.honest[rng.IntN(len(s.honest))])
	}
	if !s.evil[h.Index()] {
		s.honest = append(s.honest, h)
	}
}

// lacking counts (item, honest host) pairs not delivered.
func (s *siege) lacking() (n int) {
	for _, h := range s.honest {
		n += len(s.items) - len(h.Delivered(feedTopic)) + len(s.open) - len(h.Delivered(openTopic))
	}
	return n
}

// byzantine is the mean share of adversaries in honest hosts' views of the feed, and
// how many hosts have nobody else there.
func (s *siege) byzantine() (share float64, cutOff int) {
	for _, h := range s.honest {
		bad, all := s.enemies(h), len(s.view(h))
		share += float64(bad) / float64(max(1, all)) / float64(len(s.honest))
		if bad == all {
			cutOff++
		}
	}
	return share, cutOff
}

// publish publishes n items in each topic, ten a second.
func (s *siege) publish(n int) {
	for range n {
		i := len(s.items)
		a := s.Hosts()[0].Publish(feedTopic, []byte{byte(i)})
		b := s.honest[1+i%3].Publish(openTopic, []byte{byte(i)})
		s.at[a.ID], s.at[b.ID] = s.now, s.now
		s.items, s.open = append(s.items, a), append(s.open, b)
		s.pass(100 * time.Millisecond)
	}
}

// wait lets time pass until nobody lacks anything, or the limit, and says how it
// stands.
func (s *siege) wait(limit time.Duration) {
	start := s.now
	for s.lacking() > 0 && s.now < start.Add(limit) {
		s.pass(100 * time.Millisecond)
	}
	slices.Sort(s.late)
	share, cutOff := s.byzantine()
	at := func(p int) time.Duration {
		if len(s.late) == 0 {
			return -1
		}
		return s.late[(len(s.late)-1)*p/100].Round(time.Millisecond)
	}
	s.t.Logf("%d honest of %d hosts; %d of %d lacking %v after the last item; latency p50 %v p99 %v max %v; views %.0f%% byzantine, the author's %d of %d, %d hosts cut off; %d invalid items; %d events",
		len(s.honest), len(s.Hosts()), s.lacking(), 2*len(s.items)*len(s.honest), s.now.Sub(start), at(50), at(99), at(100),
		100*share, s.enemies(s.honest[0]), len(s.view(s.honest[0])), cutOff, s.noted("core.invalid"), s.Events())
}

// view is whom a host has in its active view of the feed, enemies how many of them
// are adversaries.
func (s *siege) view(h *Host) []protocol.PeerID {
	return h.core.Neighbours(protocol.TopicOf(feedTopic))
}

func (s *siege) enemies(h *Host) (n int) {
	for _, p := range s.view(h) {
		if s.evil[s.host(p).Index()] {
			n++
		}
	}
	return n
}

// noted sums up what honest hosts have noted.
func (s *siege) noted(name string) (n int) {
	for _, h := range s.honest {
		n += h.Notes[name]
	}
	return n
}

// infest reports whether adversaries have such a share of the views of the feed.
func (s *siege) infest(share float64) bool {
	got, _ := s.byzantine()
	return got >= share
}

// copies is how many copies of items adversaries have sent.
func (s *siege) copies() (n uint64) {
	for _, h := range s.Hosts() {
		if s.evil[h.Index()] {
			n += h.Sent.Copies
		}
	}
	return n
}
