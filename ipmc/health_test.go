package ipmc

import (
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func (h *station) last() protocol.Health {
	if len(h.health) == 0 {
		return protocol.Health{}
	}
	return h.health[len(h.health)-1]
}

// TestHealth: whoever is not heard, or hears nobody, notices that in time, sooner
// among many, and what works again is believed only after a while.
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name   string
		hosts  int
		lose   func(from, to *station) bool
		reason string
		within time.Duration
	}{
		{"deaf", 2, func(_, to *station) bool { return to == to.wire.hosts[1] }, reasonDeaf, 20 * time.Second},
		{"deaf", 12, func(_, to *station) bool { return to == to.wire.hosts[1] }, reasonDeaf, 10 * time.Second},
		{"deaf", 50, func(_, to *station) bool { return to == to.wire.hosts[1] }, reasonDeaf, 9 * time.Second},
		{"mute", 2, func(from, _ *station) bool { return from == from.wire.hosts[1] }, reasonOneWay, 27 * time.Second},
		{"mute", 12, func(from, _ *station) bool { return from == from.wire.hosts[1] }, reasonOneWay, 27 * time.Second},
		{"mute", 50, func(from, _ *station) bool { return from == from.wire.hosts[1] }, reasonOneWay, 52 * time.Second},
	} {
		w := newWire(t, c.hosts, 1, nil)
		w.run(10 * time.Second)
		for _, h := range w.hosts {
			if !h.last().Fit || len(h.health) != 1 {
				t.Fatalf("%s of %d: at the start %s says %+v", c.name, c.hosts, h.id, h.health)
			}
		}
		w.run(2 * time.Minute)
		w.lose = func(from, to *station, _ protocol.Message) bool { return c.lose(from, to) }
		h := w.hosts[1]
		w.run(c.within)
		if l := h.last(); l.Fit || !strings.HasPrefix(l.Reason, c.reason) {
			t.Errorf("%s of %d: after %v it says %+v", c.name, c.hosts, c.within, l)
		}
		w.lose = nil
		w.run(wellFor / 2)
		if h.last().Fit {
			t.Errorf("%s of %d: well again after %v already", c.name, c.hosts, wellFor/2)
		}
		w.run(time.Minute)
		if !h.last().Fit || len(h.health) != 3 {
			t.Errorf("%s of %d: in the end it says %+v", c.name, c.hosts, h.health)
		}
		for i, o := range w.hosts {
			if i != 1 && c.hosts > 2 && len(o.health) != 1 {
				t.Errorf("%s of %d: host %d says %+v", c.name, c.hosts, i, o.health)
			}
		}
	}
}

// TestHealthIsSteady: a tenth lost, of beacons too, makes nobody change its mind.
func TestHealthIsSteady(t *testing.T) {
	for _, n := range []int{2, 5, 20, 60} {
		w := newWire(t, n, uint64(n), nil)
		w.lose = func(_, _ *station, _ protocol.Message) bool { return w.rng.Float64() < 0.1 }
		w.run(20 * time.Minute)
		for _, h := range w.hosts {
			if len(h.health) != 1 || !h.health[0].Fit {
				t.Errorf("of %d %s says %+v", n, h.id, h.health)
			}
		}
	}
}

// TestFlapping: multicast that works for seconds at a time is not believed; that works
// for longer ever less.
func TestFlapping(t *testing.T) {
	for _, c := range []struct {
		on, off time.Duration
		most    int // changes of mind
	}{{6 * time.Second, 9 * time.Second, 2}, {40 * time.Second, 20 * time.Second, 8}} {
		w := newWire(t, 10, 1, nil)
		w.run(time.Minute)
		off := false
		w.lose = func(_, _ *station, _ protocol.Message) bool { return off }
		for range 30 {
			off = true
			w.run(c.off)
			off = false
			w.run(c.on)
		}
		for _, h := range w.hosts {
			if len(h.health) > c.most || len(h.health) < 2 || h.last().Fit {
				t.Errorf("%v on, %v off: %s says %d times something, in the end %+v", c.on, c.off, h.id, len(h.health), h.last())
			}
		}
		w.run(maxWellFor + 20*time.Second)
		for _, h := range w.hosts {
			if !h.last().Fit {
				t.Errorf("%v on, %v off: long after all %s says %+v", c.on, c.off, h.id, h.last())
			}
		}
	}
}

// TestBackAfterSilence: who was cut off while items were published has them from
// gossip: it does not ask for them when multicast works again, and is well although
// nothing more is published.
func TestBackAfterSilence(t *testing.T) {
	w := newWire(t, 6, 1, standingBy)
	w.run(10 * time.Second)
	off := true
	w.lose = func(_, _ *station, _ protocol.Message) bool { return off }
	payloads := 0
	w.seen = func(_ *station, m protocol.Message) {
		if isPayload(m) {
			payloads++
		}
	}
	for range 100 {
		it := w.hosts[0].publish(500)
		for _, h := range w.hosts[1:] {
			h.have[it.ID] = it
			h.input(protocol.Accepted{Item: it, From: w.hosts[0].id, Via: protocol.ObjectGossip})
		}
		w.run(400 * time.Millisecond)
	}
	payloads, off = 0, false
	w.run(30 * time.Second)
	for _, h := range w.hosts {
		if !h.last().Fit {
			t.Errorf("%s says %+v", h.id, h.last())
		}
	}
	if payloads > 0 {
		t.Errorf("%d packets of payload are sent again", payloads)
	}
	it := w.hosts[0].publish(500)
	w.run(time.Second)
	for _, h := range w.hosts {
		if h.have[it.ID] == nil {
			t.Errorf("%s lacks what is published then", h.id)
		}
	}
}

// TestLossOfBeacons: that much is lost shows where nothing is published too.
func TestLossOfBeacons(t *testing.T) {
	w := newWire(t, 12, 1, nil)
	w.run(10 * time.Second)
	share := 0.6
	w.lose = func(_, to *station, _ protocol.Message) bool { return to == w.hosts[1] && w.rng.Float64() < share }
	w.run(2 * time.Minute)
	if l := w.hosts[1].last(); l.Fit {
		t.Errorf("it says %+v", l)
	}
	share = 0
	w.run(3 * time.Minute)
	if l := w.hosts[1].last(); !l.Fit {
		t.Errorf("without losses it says %+v", l)
	}
}

// TestOldAnswersDoNotCount: who has recorded beacons, and plays them to a peer that was
// started again, cannot make it believe that it is heard.
func TestOldAnswersDoNotCount(t *testing.T) {
	w := newWire(t, 3, 1, nil)
	var heard []protocol.Message
	w.seen = func(from *station, m protocol.Message) {
		if from != w.hosts[0] {
			heard = append(heard, m)
		}
	}
	w.run(time.Minute)
	w.seen = nil
	again := w.add(nil)
	again.Machine.cfg.Self, again.id = w.hosts[0].id, w.hosts[0].id
	w.hosts = []*station{again}
	for range 60 {
		for _, m := range heard {
			w.inject(hers, m)
		}
		w.run(time.Second)
	}
	if again.last().Fit || len(again.health) != 1 {
		t.Errorf("it says %+v", again.health)
	}
}

// TestAloneIsUnfit: where nobody else is ever heard that is said, once.
func TestAloneIsUnfit(t *testing.T) {
	w := newWire(t, 1, 1, nil)
	w.run(time.Minute)
	if h := w.hosts[0].health; len(h) != 1 || h[0].Fit {
		t.Errorf("alone it says %+v", h)
	}
}

// TestBeaconsBackOff: some routers break at one beacon a second; nobody keeps that
// pace, and many peers do not send more together than a few.
func TestBeaconsBackOff(t *testing.T) {
	for _, n := range []int{1, 3, 50, 120} {
		w := newWire(t, n, 1, nil)
		w.run(time.Minute)
		sent := 0
		w.seen = func(*station, protocol.Message) { sent++ }
		w.run(time.Minute)
		if most := max(n*60/4, 60*(beaconsPerSecond+1)); sent > most {
			t.Errorf("%d peers send %d beacons a minute, want at most %d", n, sent, most)
		}
		if sent < n {
			t.Errorf("%d peers send %d beacons a minute", n, sent)
		}
	}
}
