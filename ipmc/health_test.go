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

// TestHealth: whoever is not heard, or hears nobody, notices that in time, and what
// works again is believed only after a while.
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name   string
		lose   func(from, to *station) bool
		reason string
	}{
		{"deaf", func(_, to *station) bool { return to == to.wire.hosts[2] }, reasonDeaf},
		{"mute", func(from, _ *station) bool { return from == from.wire.hosts[2] }, reasonOneWay},
	} {
		w := newWire(t, 12, 1, nil)
		w.run(5 * time.Second)
		for _, h := range w.hosts {
			if !h.last().Fit || len(h.health) != 1 {
				t.Fatalf("%s: at the start %s says %+v", c.name, h.id, h.health)
			}
		}
		w.run(time.Minute)
		w.lose = func(from, to *station, _ protocol.Message) bool { return c.lose(from, to) }
		h := w.hosts[2]
		w.run(3 * h.bound())
		if l := h.last(); l.Fit || !strings.HasPrefix(l.Reason, c.reason) {
			t.Errorf("%s: after %v it says %+v", c.name, 3*h.bound(), l)
		}
		w.lose = nil
		w.run(wellFor / 2)
		if h.last().Fit {
			t.Errorf("%s: well again after %v already", c.name, wellFor/2)
		}
		w.run(time.Minute)
		if !h.last().Fit || len(h.health) != 3 {
			t.Errorf("%s: in the end it says %+v", c.name, h.health)
		}
		for i, o := range w.hosts {
			if i != 2 && len(o.health) != 1 {
				t.Errorf("%s: host %d says %+v", c.name, i, o.health)
			}
		}
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
