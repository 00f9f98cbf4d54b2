package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// holding is an object that notes what it is told, and asks for what it is told to.
type holding struct {
	heard []string
	wants []protocol.Effect
}

func (m *holding) Handle(_ protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.LinkUp:
		m.heard = append(m.heard, "up "+string(in.Link.Peer))
	case protocol.LinkDown:
		m.heard = append(m.heard, "down "+string(in.Peer))
	case protocol.DialFailed:
		m.heard = append(m.heard, "failed "+string(in.Peer))
	case protocol.AddrsChanged:
		m.heard = append(m.heard, fmt.Sprint("addrs ", in.Addrs))
	case protocol.BudgetChanged:
		for _, e := range m.wants {
			out.Add(e)
		}
	}
}
func (*holding) Advance(protocol.Time, *protocol.Outbox) {}
func (*holding) Deadline() protocol.Time                 { return protocol.Never }

// An object of a patch holds links of its own: it is told of them, they stay as long as
// it wants them, and go soon after.
func TestObjectsHoldLinks(t *testing.T) {
	obj := &holding{}
	h := New(Config{Self: "self", Plugin: &protocol.Plugin{Name: "x", New: func(protocol.Env) protocol.Machine { return obj }}}, rand.New(rand.NewPCG(1, 1)))
	var out protocol.Outbox
	now := protocol.Time(time.Second)
	do := func(in protocol.Input) (effects []protocol.Effect) {
		h.Handle(now, in, &out)
		return slices.Clone(out.Take())
	}
	ask := func(e protocol.Effect) []protocol.Effect {
		obj.wants = []protocol.Effect{e}
		return do(protocol.BudgetChanged{UploadRate: 1})
	}
	do(protocol.Start{})
	do(Join{Name: "t"})
	do(SelfRecord{Record: gossipmembership.Record{Peer: "self", Seq: 1, Addrs: []string{"here"}}})

	dialled := slices.ContainsFunc(ask(protocol.Dial{Peer: "p", Addr: "there"}), func(e protocol.Effect) bool {
		d, ok := e.(Dial)
		return ok && d.Peer == "p" && slices.Equal(d.Addrs, []string{"there"})
	})
	if !dialled {
		t.Fatal("a peer of which only a hint is known is not dialled at it")
	}
	do(protocol.LinkUp{Link: protocol.Link{Peer: "p", Outbound: true}})
	ask(protocol.Dial{Peer: "p"}) // once more: it is told again, at once
	ask(protocol.Dial{Peer: "nobody"})
	now = now.Add(time.Minute)
	do(protocol.Received{From: protocol.Origin{Peer: "p"}, Msg: pong{}})
	if closed(h, now, &out, "p") {
		t.Error("a link that is held is closed for want of use")
	}
	ask(protocol.Close{Peer: "p"})
	now = now.Add(heldLinger + time.Second)
	if !closed(h, now, &out, "p") {
		t.Error("a link that nobody holds any more is not closed")
	}
	want := []string{"addrs [here]", "up p", "up p", "failed nobody"}
	if !slices.Equal(obj.heard, want) {
		t.Errorf("the object heard %q, want %q", obj.heard, want)
	}
}

// closed advances a host and reports whether it closes a link.
func closed(h *Host, now protocol.Time, out *protocol.Outbox, p protocol.PeerID) bool {
	h.Advance(now, out)
	return slices.ContainsFunc(out.Take(), func(e protocol.Effect) bool {
		c, ok := e.(protocol.Close)
		return ok && c.Peer == p
	})
}

// What is held is told of the end of its link, once.
func TestHeldLinkGoes(t *testing.T) {
	obj := &holding{}
	h := New(Config{Self: "self", Plugin: &protocol.Plugin{Name: "x", New: func(protocol.Env) protocol.Machine { return obj }}}, rand.New(rand.NewPCG(1, 1)))
	var out protocol.Outbox
	h.Handle(1, Join{Name: "t"}, &out)
	h.Handle(1, protocol.LinkUp{Link: protocol.Link{Peer: "p"}}, &out)
	obj.wants = []protocol.Effect{protocol.Dial{Peer: "p"}}
	h.Handle(1, protocol.BudgetChanged{UploadRate: 1}, &out)
	h.Handle(2, protocol.LinkDown{Peer: "p"}, &out)
	h.Handle(3, protocol.LinkUp{Link: protocol.Link{Peer: "p"}}, &out)
	if want := []string{"up p", "down p"}; !slices.Equal(obj.heard, want) {
		t.Errorf("heard %q, want %q: a link that comes again is nobody's", obj.heard, want)
	}
	if len(h.holders) != 0 {
		t.Errorf("%d peers are held without a link", len(h.holders))
	}
}
