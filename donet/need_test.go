package donet

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A peer depends on the links along which items are pushed; on all for a while after it
// has lost its parent, when it needs to know soon what partners have.
func TestRelies(t *testing.T) {
	r := newRig(t, Config{Fixed: true}, "me")
	r.attach("parent", 10*ms)
	r.adopt("child")
	r.partner("partner")
	relied := func() (list string) {
		for _, p := range r.m.peers.order {
			if p.relied {
				list += string(p.id) + " "
			}
		}
		return list
	}
	if got := relied(); got != "child parent " {
		t.Errorf("it depends on %q, want child and parent", got)
	}
	r.clear()
	r.in(protocol.LinkDown{Peer: "parent"})
	if got := relied(); got != "child partner " {
		t.Errorf("it depends on %q without a parent, want child and partner", got)
	}
	told := false
	for _, e := range r.did {
		x, ok := e.(protocol.Rely)
		told = told || ok && x == protocol.Rely{Peer: "partner", On: true}
	}
	if !told {
		t.Error("the host is not told")
	}
	r.wait(needFor + time.Second)
	if got := relied(); got != "" { // the child has been given up
		t.Errorf("it depends on %q later", got)
	}
}

// Who is pushed what is new is told of it rarely, and often for a while after it has said
// that it needs to know.
func TestMapsAsNeeded(t *testing.T) {
	r := newRig(t, Config{Fixed: true}, "me")
	r.attach("parent", 10*ms)
	r.partner("partner")
	seq := uint64(0)
	flow := func(d time.Duration) int {
		r.clear()
		for end := r.now.Add(d); r.now < end; r.wait(10 * ms) {
			if seq++; seq%100 == 0 {
				s := stands(1+seq/100, 10*ms, author)
				s.Child = true
				r.from("parent", s)
			}
			r.push("parent", seq)
		}
		return len(sent[Map](r, "partner"))
	}
	flow(mapRest)
	if n := flow(4 * mapRest); n < 4 || n > 5 {
		t.Errorf("%d maps in %v, want one each %v or a little more", n, 4*mapRest, mapRest)
	}
	r.from("partner", Meet{Mode: MeetOnce})
	if n, want := flow(needFor), int(needFor/mapEvery); n < want-3 || n > want+1 {
		t.Errorf("%d maps in %v to who needs them, want %d", n, needFor, want)
	}
	flow(mapRest)
	if n := flow(4 * mapRest); n < 4 || n > 5 {
		t.Errorf("%d maps in %v later, want one each %v or a little more", n, 4*mapRest, mapRest)
	}
}
