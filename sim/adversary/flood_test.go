package adversary

import (
	"reflect"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestGarbage: all that a flood sends is taken for a message by an honest host.
func TestGarbage(t *testing.T) {
	r := newRig(t, "flood")
	f := r.m.(*machine).how.(*flood)
	for _, g := range garbage {
		for range 20 {
			msg := g.make(f)
			topic := protocol.TopicID{}
			if g.inTopic {
				topic = feedID
			}
			frame, err := protocol.ParseFrame(protocol.AppendFrame(nil, topic, g.object, msg))
			if err != nil {
				t.Fatalf("%s: %v", g.name, err)
			}
			if again, err := core.Decode(frame); err != nil || !reflect.DeepEqual(again, msg) {
				t.Errorf("%s: %+v became %+v, %v", g.name, msg, again, err)
			}
		}
	}
}

// TestFlood: what goes out in a hundred volleys is within the bounds, and plenty; it goes
// to victims alone, and every kind of garbage is in it.
func TestFlood(t *testing.T) {
	r := newRig(t, "flood")
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: fellow}})
	const volleys = 100
	bytes, messages := 0, 0
	kinds := map[[2]int]bool{}
	for _, e := range of[protocol.Send](r.act(volleys, floodEvery)) {
		if e.To == fellow {
			t.Fatalf("%+v goes to a fellow", e)
		}
		messages++
		bytes += len(e.Msg.AppendTo(nil))
		kinds[[2]int{int(e.Object), int(e.Msg.Kind())}] = true
	}
	if messages < 2000 || messages > volleys*floodMessages || bytes > volleys*floodBytes {
		t.Errorf("%d messages of %d bytes", messages, bytes)
	}
	if len(kinds) < 15 {
		t.Errorf("%d kinds of garbage: %v", len(kinds), kinds)
	}
}

// TestFloodInvents: now and then everybody gets an item that nobody wrote.
func TestFloodInvents(t *testing.T) {
	r := newRig(t, "flood")
	r.now = protocol.Time(floodForgeEvery)
	for round := range 3 {
		items := map[protocol.PeerID]int{}
		for _, e := range of[protocol.Send](r.act(int(floodForgeEvery/floodEvery), floodEvery)) {
			if c, ok := e.Msg.(protocol.Carry); ok {
				items[e.To]++
				if c.Item.Author != author || c.Item.TopicName != feedName {
					t.Errorf("invented %+v", c.Item)
				}
			}
		}
		if len(items) != 2 || items[alice] != 1 || items[bob] != 1 {
			t.Errorf("round %d: invented items %v", round, items)
		}
	}
}

// TestFloodDials: it dials those whom it has met and has no link to, in turn; maxMet
// at most.
func TestFloodDials(t *testing.T) {
	r := newRig(t, "flood")
	f := r.m.(*machine).how.(*flood)
	f.meet(fellow)
	for range maxMet + 10 {
		f.meet(nobody(f.m.rng))
	}
	if len(f.met) != maxMet {
		t.Errorf("%d met", len(f.met))
	}
	f.met = f.met[:4] // alice and bob, linked, and two others
	seen := map[protocol.PeerID]int{}
	for _, e := range of[core.Dial](r.pass(3 * time.Second)) {
		seen[e.Peer]++
	}
	if len(seen) != 2 || seen[f.met[2]] < 2 || seen[f.met[3]] < 2 {
		t.Errorf("dialled %v", seen)
	}
}
