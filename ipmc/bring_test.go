package ipmc

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func standingBy(c *Config) { c.Standby = true }

// gossiped is an item that some hosts get by gossip now.
func (w *wire) gossiped(n int, repaired bool, hosts ...*station) *protocol.Item {
	it := protocol.NewItem(topicName, "elsewhere", uint64(n), []byte("by gossip"))
	for _, h := range hosts {
		if h.have[it.ID] == nil {
			h.have[it.ID] = it
			h.input(protocol.Accepted{Item: it, From: "elsewhere", Via: protocol.ObjectGossip, Repaired: repaired})
		}
	}
	return it
}

// TestBring: what comes by gossip is brought to the group, by one or two of those who
// have it; what is on the group already, came by repair, or comes where multicast does
// not work is not.
func TestBring(t *testing.T) {
	for seed := range uint64(20) {
		w := newWire(t, 20, seed, standingBy)
		w.run(10 * time.Second)
		sent := 0
		w.seen = func(_ *station, m protocol.Message) {
			if isPayload(m) {
				sent++
			}
		}
		it := w.gossiped(1, false, w.hosts[:8]...)
		w.run(time.Second)
		for _, h := range w.hosts {
			if h.have[it.ID] == nil {
				t.Fatalf("seed %d: %s lacks it", seed, h.id)
			}
		}
		if sent < 1 || sent > 3 {
			t.Errorf("seed %d: it is sent %d times", seed, sent)
		}
		sent = 0
		w.gossiped(2, true, w.hosts[:8]...)
		w.run(time.Second)
		if sent > 0 {
			t.Error("what came by repair is sent to the group")
		}
		w.gossiped(3, false, w.hosts[3])
		w.hosts[3].bringing.drop(w.hosts[3].bringing.list[0].item.ID)
		w.run(time.Second)
		if sent > 0 {
			t.Error("what is on the group already is sent again")
		}
	}
	w := newWire(t, 1, 1, standingBy)
	w.run(time.Minute)
	w.gossiped(1, false, w.hosts[0])
	if n := len(w.hosts[0].bringing.list); n > 0 {
		t.Error("who is alone sends to nobody")
	}
}

// TestBringBound: no more than MaxBrought wait.
func TestBringBound(t *testing.T) {
	w := newWire(t, 2, 1, standingBy)
	w.run(10 * time.Second)
	for i := range MaxBrought + 10 {
		w.gossiped(i+1, false, w.hosts[0])
	}
	if h := w.hosts[0]; len(h.bringing.list) != MaxBrought || h.notes["ipmc.bring-full"] != 10 {
		t.Errorf("%d wait, %d were left", len(h.bringing.list), h.notes["ipmc.bring-full"])
	}
	w.run(5 * time.Second)
	if n := len(w.hosts[1].have); n != MaxBrought {
		t.Errorf("%d have come", n)
	}
}

// TestBadReceiverStandsBack: with gossip standing by, who loses too much asks for
// nothing once it has said so, and asks again when it is well.
func TestBadReceiverStandsBack(t *testing.T) {
	w := newWire(t, 10, 1, standingBy)
	w.run(10 * time.Second)
	bad := w.hosts[5]
	share := 0.6
	w.lose = func(_, to *station, _ protocol.Message) bool { return to == bad && w.rng.Float64() < share }
	stream := func(items int) (asked int) {
		w.seen = func(from *station, m protocol.Message) {
			if _, ok := m.(*Nack); ok && from == bad {
				asked++
			}
		}
		for range items {
			w.hosts[0].publish(500)
			w.run(10 * time.Millisecond)
		}
		return asked
	}
	stream(300)
	if bad.last().Fit {
		t.Fatalf("it says %+v", bad.health)
	}
	if n := stream(500); n > 0 {
		t.Errorf("it asks %d times", n)
	}
	share = 0
	stream(3500)
	if !bad.last().Fit {
		t.Errorf("without losses it says %+v", bad.health)
	}
	share = 0.1
	if n := stream(300); n == 0 {
		t.Error("it does not ask any more")
	}
	if !w.hosts[4].last().Fit {
		t.Errorf("another says %+v", w.hosts[4].health)
	}
}
