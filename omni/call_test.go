package omni

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

// behind gives the machine an interface in a direction.
func (r *rig) behind(d euid.Direction, m euid.Mapping) {
	e := euid.EUID{Mapping: m}
	for f := range e.Reach {
		for tr := range e.Reach[f] {
			e.Reach[f][tr] = d
		}
	}
	r.in(protocol.EUIDChanged{NIC: 1, EUID: e.Append(nil)})
}

// A public peer that wants a parent behind a NAT has a door tell it to dial.
func TestCall(t *testing.T) {
	r := newRig(t, "self", "")
	r.behind(euid.DirectionPublic, euid.MappingNone)
	if got := r.m.nics.reach(); got != ReachPublic {
		t.Fatalf("reach %v", got)
	}
	r.attach("p", 200*ms)
	r.known(Sample{Peer: "far", Offer: 10 * ms, Spare: 3, Weight: 1, Reach: ReachNone, Door: "door", DoorAddr: "where"})
	r.wait(3 * time.Second)
	var dialled protocol.Dial
	for _, e := range r.did {
		if d, ok := e.(protocol.Dial); ok && d.Peer == "door" {
			dialled = d
		} else if ok && d.Peer == "far" {
			t.Error("who is behind a NAT was dialled")
		}
	}
	if dialled.Addr != "where" {
		t.Errorf("the door is dialled by %+v", dialled)
	}
	calls := sent[Call](r, "door")
	if len(calls) == 0 || calls[0].To != "far" || calls[0].Who.Peer != "self" || calls[0].Who.Latency != r.m.lat {
		t.Fatalf("the door is told %v", calls)
	}
}

// A door passes a call on, for the caller only and not too often; who is called dials if
// it would be the better parent, and says so.
func TestCallArrives(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("caller", "called")
	caller := Sample{Peer: "caller", Latency: 500 * ms, Offer: 500 * ms, Weight: 1, Reach: ReachPublic}
	r.clear()
	r.from("caller", Call{To: "called", Who: Sample{Peer: "other", Weight: 1}})
	if len(sent[Call](r, "")) != 0 {
		t.Error("a call for somebody else is passed on")
	}
	r.from("caller", Call{To: "called", Who: caller})
	r.from("caller", Call{To: "called", Who: caller})
	r.from("caller", Call{To: "nobody", Who: caller})
	if got := sent[Call](r, ""); len(got) != 1 || len(sent[Call](r, "called")) != 1 {
		t.Errorf("passed on: %v, want one", got)
	}
	r.from("called", Call{To: "self", Who: Sample{Peer: "new", Latency: 500 * ms, Weight: 1, Reach: ReachPublic, Addr: "a"}})
	if got := sent[Offer](r, "new"); len(got) != 1 {
		t.Errorf("who called is offered %v, want a place", got)
	}
	r.from("called", Call{To: "self", Who: Sample{Peer: "well", Latency: 20 * ms, Weight: 1, Reach: ReachPublic, Addr: "a"}})
	if got := sent[Offer](r, "well"); len(got) != 0 {
		t.Errorf("who stands well is offered %v", got)
	}
}

// A root that nobody can dial names a public child as its door, whose address it knows
// rather than one that it does not; without a door it is not worth to be told of.
func TestDoor(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000})
	r.behind(euid.DirectionPunchable, euid.MappingNone)
	if got := r.m.own(); got.Door != "" || !got.Reach.behind() {
		t.Fatalf("alone it says %+v", got)
	}
	for _, p := range []protocol.PeerID{"a", "b"} {
		r.member(p)
		r.adopt(p)
	}
	r.from("a", Samples{Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{{Peer: "a", Weight: 1, Reach: ReachPublic}}})
	if got := r.m.own(); got.Door != "a" || got.DoorAddr != "" {
		t.Errorf("with one public child it says %+v", got)
	}
	r.from("b", Samples{Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{{Peer: "b", Weight: 1, Reach: ReachPublic, Addr: "there"}}})
	if got := r.m.own(); got.Door != "b" || got.DoorAddr != "there" {
		t.Errorf("with one whose address it knows it says %+v", got)
	}
	r.known(Sample{Peer: "shut", Weight: 1, Spare: 1, Reach: ReachNone}, Sample{Peer: "open", Weight: 1, Spare: 1, Reach: ReachNone, Door: "d"})
	r.now = r.now.Add(answerPause)
	r.clear()
	r.from("a", Samples{Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{{Peer: "a", Latency: 90 * ms, Weight: 1, Reach: ReachPublic}}})
	told := map[protocol.PeerID]bool{}
	for _, msg := range sent[Samples](r, "a") {
		for _, s := range msg.List {
			told[s.Peer] = true
		}
	}
	if told["shut"] || !told["open"] {
		t.Errorf("told of %v, want of those whose door is known", told)
	}
}

// Who was offered a place by one behind a NAT is left alone for a while.
func TestInvitesPause(t *testing.T) {
	r := newRig(t, "self", "")
	r.behind(euid.DirectionUnreachable, euid.MappingNone)
	r.attach("p", 20*ms)
	child := Sample{Peer: "child", Latency: 900 * ms, Offer: 900 * ms, Weight: 1, Reach: ReachPublic, Addr: "a"}
	invited := func() bool {
		if p := r.m.peers.find("child"); p != nil {
			p.probe = nil // long answered
		}
		r.in(protocol.LinkDown{Peer: "child"})
		r.known(child)
		r.clear()
		r.m.invite(r.now, &r.out)
		r.in(protocol.BudgetChanged{}) // to have the links made that are wanted
		return len(sent[Offer](r, "child")) == 1
	}
	if !invited() {
		t.Fatal("it is not offered a place")
	}
	r.now = r.now.Add(invitePause - ms)
	if invited() {
		t.Error("it is offered a place again at once")
	}
	r.now = r.now.Add(2 * ms)
	if !invited() {
		t.Errorf("it is not offered a place after %v", invitePause)
	}
}
