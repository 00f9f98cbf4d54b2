package ipmc

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// payloads counts the messages that bring bytes of items.
func isPayload(m protocol.Message) bool {
	switch m.(type) {
	case *First, *Fragment:
		return true
	}
	return false
}

// TestLoss: without any other way every item reaches all, whatever is lost.
func TestLoss(t *testing.T) {
	for _, c := range []struct {
		loss  float64
		size  int
		most  float64 // packets of payload for each that is needed
		items int
	}{
		{0, 1024, 1, 300}, {0.01, 1024, 1.8, 300}, {0.1, 1024, 4, 300},
		{0, 8192, 1, 50}, {0.01, 8192, 2.5, 50}, {0.1, 8192, 4.5, 50},
		{0.05, 1 << 19, 4, 2},
	} {
		w := newWire(t, 50, 1, nil)
		payloads, needed := 0, 0
		w.seen = func(_ *station, m protocol.Message) {
			if isPayload(m) {
				payloads++
			}
		}
		w.lose = func(_, _ *station, _ protocol.Message) bool { return w.rng.Float64() < c.loss }
		w.run(2 * time.Second)
		w.hosts[3].publish(10) // or fragments that overtake the first tell nobody anything
		w.run(time.Second)
		payloads = 0
		for range c.items {
			p := cut(w.hosts[3].publish(c.size), 1, w.hosts[3].id, 1, 1, w.hosts[3].room)
			needed += 1 + p.first.Data
			w.run(10 * time.Millisecond)
		}
		w.run(10 * time.Second)
		if n := w.lacking(); n > 0 {
			t.Errorf("loss %v, size %d: %d deliveries are missing", c.loss, c.size, n)
		}
		sends := float64(payloads) / float64(needed)
		t.Logf("loss %v, size %d: each packet is sent %.2f times", c.loss, c.size, sends)
		if sends > c.most {
			t.Errorf("loss %v, size %d: each packet is sent %.2f times, want at most %v", c.loss, c.size, sends, c.most)
		}
	}
}

// TestControlIsLittle: at a hundred items a second to 50 peers control takes less
// than two hundredths of the bytes.
func TestControlIsLittle(t *testing.T) {
	w := newWire(t, 51, 1, nil)
	w.run(30 * time.Second)
	all, control := 0, 0
	w.seen = func(_ *station, m protocol.Message) {
		n := headers + len(m.AppendTo(nil))
		all += n
		if !isPayload(m) {
			control += n
		}
	}
	for range 1000 {
		w.hosts[0].publish(1024)
		w.run(10 * time.Millisecond)
	}
	share := float64(control) / float64(all)
	t.Logf("control is %.2f%% of %d bytes", 100*share, all)
	if share >= 0.02 {
		t.Errorf("control is %.2f%%, want less than 2%%", 100*share)
	}
}

// TestStorm: 50 peers lose the same packet; at most three ask, and it is sent at most
// twice again.
func TestStorm(t *testing.T) {
	for seed := range uint64(40) {
		w := newWire(t, 51, seed, nil)
		w.run(20 * time.Second)
		nacks, firsts := 0, 0
		drop := true
		w.lose = func(_, _ *station, m protocol.Message) bool { _, ok := m.(*First); return ok && drop }
		w.seen = func(_ *station, m protocol.Message) {
			switch m.(type) {
			case *Nack:
				nacks++
			case *First:
				firsts++
			}
		}
		w.hosts[0].publish(1024)
		w.run(time.Millisecond)
		drop = false
		w.hosts[0].publish(1024)
		w.run(5 * time.Second)
		if w.lacking() > 0 || nacks > 3 || firsts > 4 {
			t.Errorf("seed %d: %d missing, %d asked, %d sent again", seed, w.lacking(), nacks, firsts-2)
		}
	}
}

// TestTailLoss: the last item's loss is noticed although nothing follows it.
func TestTailLoss(t *testing.T) {
	w := newWire(t, 10, 3, nil)
	w.run(5 * time.Second)
	w.hosts[0].publish(10)
	w.run(5 * time.Second)
	drop := true
	w.lose = func(_, _ *station, m protocol.Message) bool { return drop && isPayload(m) }
	w.hosts[0].publish(5000)
	w.run(10 * time.Millisecond)
	drop = false
	w.run(time.Second)
	if n := w.lacking(); n > 0 {
		t.Errorf("%d deliveries are missing", n)
	}
}

// TestAnyMemberRepairs: the sender is gone; who has the item repairs it.
func TestAnyMemberRepairs(t *testing.T) {
	w := newWire(t, 20, 4, nil)
	w.run(5 * time.Second)
	w.hosts[0].publish(10)
	w.run(time.Second)
	w.lose = func(from, to *station, m protocol.Message) bool {
		return isPayload(m) && to != w.hosts[7] && from == w.hosts[0]
	}
	w.seen = func(from *station, m protocol.Message) {
		if b, ok := m.(*Beacon); ok && from == w.hosts[0] && b.Last == 2 {
			from.dead = true // it has just said that there was one
		}
	}
	w.hosts[0].publish(3000)
	w.run(10 * time.Second)
	if n := w.lacking(); n > 0 {
		t.Errorf("%d deliveries are missing", n)
	}
	if w.hosts[7].stats.Repairs == 0 {
		t.Error("the only one who had it has not repaired it")
	}
}

// TestBadReceiver: a receiver that loses 60% is told to use another way, and does not
// make others receive more or later.
func TestBadReceiver(t *testing.T) {
	for _, links := range []bool{false, true} {
		sent := [2]int{}
		for k, bad := range []bool{false, true} {
			w := &wire{t: t, rng: newWire(t, 0, 5, nil).rng, delay: 200 * time.Microsecond, links: links}
			for range 20 {
				w.add(nil)
			}
			w.lose = func(_, to *station, _ protocol.Message) bool {
				return bad && to == w.hosts[5] && w.rng.Float64() < 0.6
			}
			w.run(10 * time.Second)
			w.seen = func(_ *station, m protocol.Message) {
				if isPayload(m) {
					sent[k]++
				}
			}
			late := 0
			for range 1000 {
				it := w.hosts[0].publish(1024)
				w.run(10 * time.Millisecond)
				for i, h := range w.hosts {
					if i != 5 && h.have[it.ID] == nil {
						late++
					}
				}
			}
			if late > 0 {
				t.Errorf("links %v: %d deliveries to others are late", links, late)
			}
			h := w.hosts[5].health
			if last := h[len(h)-1]; last.Fit == bad {
				t.Errorf("links %v: with losses %v it says %+v", links, bad, last)
			}
			for i, o := range w.hosts {
				if i != 5 && !o.health[len(o.health)-1].Fit {
					t.Errorf("host %d says %+v", i, o.health)
				}
			}
			w.run(20 * time.Second)
			if n := w.lacking(); (links || !bad) && n > 0 {
				t.Errorf("%d deliveries are missing", n)
			}
		}
		t.Logf("links %v: %d packets of payload without losses, %d with them", links, sent[0], sent[1])
		if most := sent[0] * 3 / 2; sent[1] > most {
			t.Errorf("links %v: %d packets of payload, want at most %d", links, sent[1], most)
		}
	}
}

// TestLateJoiner: who comes late gets what is sent from then on, and does not have
// the past sent again to all.
func TestLateJoiner(t *testing.T) {
	w := newWire(t, 10, 6, nil)
	w.run(3 * time.Second)
	for range 500 {
		w.hosts[0].publish(100)
		w.run(5 * time.Millisecond)
	}
	late := w.add(nil)
	w.run(5 * time.Second)
	again := 0
	for _, h := range w.hosts {
		again += int(h.stats.Repairs)
	}
	if again > 0 {
		t.Errorf("%d items were sent again", again)
	}
	it := w.hosts[0].publish(100)
	w.run(time.Second)
	if late.have[it.ID] == nil {
		t.Error("the newcomer has not got what was sent after it came")
	}
}

// TestBusyHosts: where hosts are so busy that each packet takes up to a third of a
// second to be looked at, everything arrives still, and questions and repairs do not
// explode.
func TestBusyHosts(t *testing.T) {
	for _, loss := range []float64{0, 0.01, 0.1} {
		w := newWire(t, 50, 1, nil)
		w.delay, w.jitter = 20*time.Millisecond, 300*time.Millisecond
		payloads, nacks := 0, 0
		w.seen = func(_ *station, m protocol.Message) {
			if isPayload(m) {
				payloads++
			} else if _, ok := m.(*Nack); ok {
				nacks++
			}
		}
		w.lose = func(_, _ *station, _ protocol.Message) bool { return w.rng.Float64() < loss }
		w.run(20 * time.Second)
		const items = 300
		for range items {
			w.hosts[3].publish(1024)
			w.run(10 * time.Millisecond)
		}
		w.run(40 * time.Second)
		t.Logf("loss %v: %d missing; each item is sent %.2f times, %d questions, window %v", loss, w.lacking(), float64(payloads)/items, nacks, w.hosts[5].asking.window)
		if n := w.lacking(); n > 0 {
			t.Errorf("loss %v: %d deliveries are missing", loss, n)
		}
	}
}
