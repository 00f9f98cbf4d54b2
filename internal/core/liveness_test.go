package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// life is a peer that answers pings after a round trip for a while, and what the
// host makes of it.
type life struct {
	rtt     time.Duration                  // how long an answer takes
	told    time.Duration                  // the round trip that the driver claims to know
	silent  func(since time.Duration) bool // whether an answer sent then is lost
	confirm []bool                         // what others answer when asked, 100 ms later
	pause   time.Duration                  // how long the host itself sleeps at 3 s
	peer    protocol.PeerID                // zoe, by whose ID this host pings first, or alice
}

// zoe has a greater ID than the host, alice a smaller one.
const zoe protocol.PeerID = "zoe"

// watch lets a life of the link to a peer pass and returns when what happened, in
// milliseconds since the link came up.
func (l life) watch(t *testing.T, length time.Duration) []string {
	r := newRig(t, Config{Linger: time.Hour})
	if l.peer == "" {
		l.peer = zoe
	}
	for i := range l.confirm {
		r.link(peer(i))
	}
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: l.peer, RTT: l.told}})
	start := r.now
	var log []string
	var answers []answer
	effects := r.settle()
	for r.now < start.Add(length) {
		for _, e := range effects {
			since := r.now.Sub(start)
			switch word := sayOne(e); {
			case word == "ping to "+string(l.peer):
				log = append(log, fmt.Sprint(since.Milliseconds(), " ping"))
				if l.silent == nil || !l.silent(since) {
					answers = append(answers, answer{r.now.Add(l.rtt), l.peer, pong(e.(protocol.Send).Msg.(ping))})
				}
			case strings.HasPrefix(word, "ping to "): // the others always answer
				s := e.(protocol.Send)
				answers = append(answers, answer{r.now.Add(time.Millisecond), s.To, pong(s.Msg.(ping))})
			case strings.HasPrefix(word, "ask to "):
				s := e.(protocol.Send)
				for i, heard := range l.confirm {
					if s.To == peer(i) {
						answers = append(answers, answer{r.now.Add(100 * time.Millisecond), s.To, askReply{l.peer, heard}})
					}
				}
			case word == "suspect" || word == "close "+string(l.peer) || word == "own-pause":
				log = append(log, fmt.Sprint(since.Milliseconds(), " ", word))
			}
		}
		effects = nil
		r.now = r.now.Add(time.Millisecond)
		if l.pause > 0 && r.now >= start.Add(3*time.Second) {
			r.now, l.pause = r.now.Add(l.pause), 0
		}
		for len(answers) > 0 {
			i := earliest(answers)
			if answers[i].at > r.now {
				break
			}
			a := answers[i]
			answers = append(answers[:i], answers[i+1:]...)
			suspected := r.h.links.get(a.from) != nil && r.h.links.get(a.from).live.suspected
			r.h.Handle(r.now, protocol.Received{From: protocol.Origin{Peer: a.from}, Msg: a.msg}, &r.out)
			if suspected && !r.h.links.get(a.from).live.suspected {
				log = append(log, fmt.Sprint(r.now.Sub(start).Milliseconds(), " restored"))
			}
		}
		effects = r.settle()
	}
	return log
}

type answer struct {
	at   protocol.Time
	from protocol.PeerID
	msg  protocol.Message
}

func earliest(as []answer) (first int) {
	for i := range as {
		if as[i].at < as[first].at {
			first = i
		}
	}
	return first
}

// find returns when something is in a log for the n-th time, -1 for never.
func when(log []string, what string, n int) int {
	for _, line := range log {
		at, event, _ := strings.Cut(line, " ")
		if event == what {
			if n--; n == 0 {
				var ms int
				fmt.Sscan(at, &ms)
				return ms
			}
		}
	}
	return -1
}

func from(at time.Duration) func(time.Duration) bool {
	return func(since time.Duration) bool { return since >= at }
}

func TestLiveness(t *testing.T) {
	const ms = time.Millisecond
	fast := 40 * ms
	// spans are [first, last] in ms after the link came up; {-1, -1} is never.
	type span [2]int
	never := span{-1, -1}
	tests := []struct {
		name                                    string
		life                                    life
		ping, suspected, restored, dead, paused span
	}{
		{"an idle link is pinged once a second", life{rtt: fast, told: fast},
			span{850, 950}, never, never, never, never},
		{"silence is suspected within 1.5 s and buried within 12 s", life{rtt: fast, told: fast, silent: from(0)},
			span{850, 950}, span{1400, 1500}, never, span{11400, 12000}, never},
		{"a lost answer is asked for again", life{rtt: fast, told: fast, silent: func(s time.Duration) bool { return s < time.Second }},
			span{850, 950}, never, never, never, never},
		{"a suspected link comes back", life{rtt: fast, told: fast, silent: func(s time.Duration) bool { return s < 4*time.Second }},
			span{850, 950}, span{1400, 1500}, span{4000, 5100}, never, never},
		{"one confirmation", life{rtt: fast, told: fast, silent: from(0), confirm: []bool{false}},
			span{850, 950}, span{1400, 1500}, never, span{8200, 8300}, never},
		{"three confirmations bury early", life{rtt: fast, told: fast, silent: from(0), confirm: []bool{false, false, false}},
			span{850, 950}, span{1400, 1500}, never, span{5000, 5100}, never},
		{"a peer that others hear: the link is mended soon", life{rtt: fast, told: fast, silent: from(0), confirm: []bool{true}},
			span{850, 950}, span{1400, 1500}, never, span{5000, 5100}, never},
		{"a long way that the driver knows", life{rtt: 900 * time.Millisecond, told: 900 * time.Millisecond},
			span{850, 950}, never, never, never, never},
		{"a long way is waited for longer", life{rtt: 900 * time.Millisecond, told: 900 * time.Millisecond, silent: from(0)},
			span{850, 950}, span{2000, 2100}, never, span{11400, 12000}, never},
		{"a longer one would not be believed", life{told: time.Minute, silent: from(0)},
			span{850, 950}, span{5100, 5200}, never, span{11400, 12000}, never},
		{"a long way that must be measured", life{rtt: 700 * time.Millisecond},
			span{230, 240}, never, never, never, never},
		{"this host's own pause is no one's silence", life{rtt: fast, told: fast, pause: 10 * time.Second},
			span{850, 950}, never, never, never, span{13000, 13010}},
		{"nor does it hide a death", life{rtt: fast, told: fast, pause: 10 * time.Second, silent: from(2200 * ms)},
			span{850, 950}, span{13000, 14600}, never, span{22000, 24000}, span{13000, 13010}},
	}
	for _, test := range tests {
		for _, test.life.peer = range []protocol.PeerID{zoe, alice} {
			if test.life.peer == alice && test.life.told > 0 {
				rtt := min(test.life.told, maxRTT)
				wait := min(950*ms+rtt+50*ms, 1450*ms+max(0, rtt-300*ms)-rtt-100*ms)
				at := int(max(950*ms, wait).Milliseconds())
				test.ping = span{at, at + 1}
			}
			t.Run(test.name+" to "+string(test.life.peer), func(t *testing.T) {
				log := test.life.watch(t, 30*time.Second)
				for _, c := range []struct {
					what string
					want span
				}{{"ping", test.ping}, {"suspect", test.suspected}, {"restored", test.restored}, {"close " + string(test.life.peer), test.dead}, {"own-pause", test.paused}} {
					if at := when(log, c.what, 1); at < c.want[0] || at > c.want[1] {
						t.Errorf("%s at %d ms, want %v", c.what, at, c.want)
					}
				}
				if t.Failed() {
					t.Log(strings.Join(log, "\n"))
				}
			})
		}
	}
}

// An idle link costs no more than one ping a second, and one whose answers are lost
// a second one soon.
func TestPings(t *testing.T) {
	fast := 40 * time.Millisecond
	log := life{rtt: fast, told: fast}.watch(t, 20*time.Second)
	if n := len(log); n < 19 || n > 23 {
		t.Errorf("%d pings in 20 s", n)
	}
	lost := life{rtt: fast, told: fast, silent: func(s time.Duration) bool { return s < time.Second }}
	log = lost.watch(t, 5*time.Second)
	if first, second := when(log, "ping", 1), when(log, "ping", 2); second-first != 230 {
		t.Errorf("repeated after %d ms", second-first)
	}
}

// A link that is never silent is measured all the same.
func TestBusyLinkIsMeasured(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice)
	r.hear(alice, "", protocol.ObjectHost, pong{1}) // not asked for
	var pings []ping
	for range 200 {
		r.now = r.now.Add(100 * time.Millisecond)
		more, _ := sent[ping](r.hear(alice, "", protocol.ObjectHost, found{}))
		pings = append(pings, more...)
	}
	if len(pings) == 0 {
		t.Fatal("no ping in 20 s of traffic")
	}
	last := pings[len(pings)-1]
	r.hear(alice, "", protocol.ObjectHost, pong{last.nonce ^ 1})
	if rtt := r.h.links.get(alice).RTT; rtt != 20*time.Millisecond {
		t.Errorf("an answer to no ping measured %v", rtt)
	}
	r.hear(alice, "", protocol.ObjectHost, pong(last))
	if rtt := r.h.links.get(alice).RTT; rtt <= 20*time.Millisecond {
		t.Errorf("round trip is %v, want more than what the driver said", rtt)
	}
}

// What was heard since the host woke stays heard then, not later.
func TestExcuseStopsAtNow(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice)
	r.now = r.now.Add(time.Minute)
	r.h.Handle(r.now, protocol.Received{From: protocol.Origin{Peer: alice}, Msg: pong{}}, &r.out)
	r.h.Advance(r.now, &r.out)
	if heard := r.h.links.get(alice).live.heard; heard > r.now {
		t.Errorf("heard %v after now", heard.Sub(r.now))
	}
}

func TestRoundTripTime(t *testing.T) {
	r := newRoundTrip(0, -time.Second)
	if r.pong(5, 0) || r.rtt != 0 {
		t.Error("an answer to no ping is measured")
	}
	r.sent(0, 1)
	if !r.pong(protocol.Time(time.Minute), 1) || r.rtt != maxRTT {
		t.Errorf("an answer held back for a minute makes a round trip of %v", r.rtt)
	}
	if r.pong(protocol.Time(time.Minute), 1) {
		t.Error("an answer is measured twice")
	}
	r = newRoundTrip(0, 100*time.Millisecond)
	for n := range uint32(maxPings + 1) {
		r.sent(0, n)
	}
	if r.pong(5, 0) {
		t.Error("a ping beyond the bound is remembered")
	}
	if !r.pong(protocol.Time(20*time.Millisecond), 1) || r.rtt != 90*time.Millisecond {
		t.Errorf("100 ms and a sample of 20 ms make %v", r.rtt) // RFC 6298: an eighth of the way
	}
}

// A ping that is nearly due goes out with one that is due; one that waits for an
// answer, or for the other end to ping first, does not.
func TestPingsGoOutTogether(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(zoe)
	r.wait(pingEarly / 2)
	r.link("zora", alice)
	r.wait(pingEarly)
	r.link("zygmunt")
	pings := func(effects []protocol.Effect) string {
		var to []string
		for _, e := range effects {
			if s, ok := e.(protocol.Send); ok {
				if _, ping := s.Msg.(ping); ping {
					to = append(to, string(s.To))
				}
			}
		}
		return strings.Join(to, " ")
	}
	if got := pings(r.wait(PingAfter - 3*pingEarly/2)); got != "zoe zora" {
		t.Errorf("pings to %q when the first is due, want zoe and zora", got)
	}
	if got := pings(r.wait(pingEarly)); got != "" {
		t.Errorf("pings to %q soon after, want none", got)
	}
}
