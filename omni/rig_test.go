package omni

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// rig drives one machine by hand and looks at what it wants done.
type rig struct {
	t   *testing.T
	m   *Machine
	out protocol.Outbox
	now protocol.Time
	did []protocol.Effect // since the last clear
}

const second = protocol.Time(time.Second)

func newRig(t *testing.T, self, owner protocol.PeerID) *rig {
	t.Helper()
	r := &rig{t: t, now: second}
	r.m = New(Config{}, protocol.Env{Self: self, Topic: "t", Owner: owner, Rand: rand.New(rand.NewPCG(1, 2))})
	r.in(protocol.Start{})
	return r
}

// in gives the machine an input and does what the core would do at once: a link that is
// asked for is up.
func (r *rig) in(in protocol.Input) {
	r.t.Helper()
	r.m.Handle(r.now, in, &r.out)
	r.take()
}

func (r *rig) take() {
	for r.out.Len() > 0 {
		for _, e := range append([]protocol.Effect(nil), r.out.Take()...) {
			r.did = append(r.did, e)
			if d, ok := e.(protocol.Dial); ok {
				r.m.Handle(r.now, protocol.LinkUp{Link: protocol.Link{Peer: d.Peer, Outbound: true, RTT: 20 * time.Millisecond}}, &r.out)
			}
		}
	}
	r.check()
}

// check looks at what must hold after every call.
func (r *rig) check() {
	r.t.Helper()
	p := r.m.Position()
	if len(p.Children) > p.DegreeBound || len(p.Children) > MaxChildren {
		r.t.Fatalf("%d children, bound %d", len(p.Children), p.DegreeBound)
	}
	if p.Root && p.HasParent {
		r.t.Fatal("a root with a parent")
	}
	if n := len(r.m.peers.order); n > MaxPeers {
		r.t.Fatalf("%d peers", n)
	}
}

// member makes peers neighbours, 20 ms away.
func (r *rig) member(peers ...protocol.PeerID) {
	for _, p := range peers {
		r.in(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: p, Weight: 1, RTT: 20 * time.Millisecond}}})
	}
}

// from has a peer say something.
func (r *rig) from(p protocol.PeerID, msg protocol.Message) {
	r.in(protocol.Received{From: protocol.Origin{Peer: p, Authenticated: true}, Msg: msg})
}

// wait lets time pass.
func (r *rig) wait(d time.Duration) {
	idle := 0
	for end := r.now.Add(d); r.now < end; {
		if r.m.Deadline() > r.now {
			idle = 0
		} else if idle++; idle > 1000 {
			r.t.Fatalf("the deadline stays at %v, now is %v", r.m.Deadline(), r.now)
		}
		r.now = min(max(r.m.Deadline(), r.now+1), end)
		if r.m.Deadline() <= r.now {
			r.m.Advance(r.now, &r.out)
			r.take()
		}
	}
}

func (r *rig) clear() { r.did = nil }

// sent returns the messages of a type that were sent to a peer, to anybody for "".
func sent[M protocol.Message](r *rig, to protocol.PeerID) (list []M) {
	for _, e := range r.did {
		if s, ok := e.(protocol.Send); ok && (to == "" || s.To == to) {
			if m, ok := s.Msg.(M); ok {
				list = append(list, m)
			}
		}
	}
	return list
}

// at is a position in root r's tree.
func at(root protocol.PeerID, epoch uint64, latency time.Duration, path ...protocol.PeerID) State {
	s := State{Attached: true, Root: root, Epoch: 1<<32 | epoch, Latency: latency, Offer: latency, Spare: 5, Reach: ReachPublic}
	for _, p := range path {
		s.Path = append(s.Path, protocol.KeyOf(p))
	}
	return s
}

// attach makes p the parent, d from the root.
func (r *rig) attach(p protocol.PeerID, d time.Duration) {
	r.t.Helper()
	r.member(p)
	r.from(p, Offer{at("root", 1, d, "root")})
	r.wait(300 * time.Millisecond)
	if len(sent[Join](r, p)) == 0 {
		r.t.Fatalf("no Join to %s: %v", p, r.did)
	}
	r.from(p, Accept{at("root", 1, d, "root")})
	if got := r.m.Position(); got.Parent != p {
		r.t.Fatalf("parent %q, want %q", got.Parent, p)
	}
	r.clear()
}

// untilJoin lets time pass until p is asked for a place.
func (r *rig) untilJoin(p protocol.PeerID) {
	r.t.Helper()
	for range 100 {
		r.clear()
		r.wait(20 * time.Millisecond)
		if len(sent[Join](r, p)) > 0 {
			return
		}
	}
	r.t.Fatalf("%s is not asked for a place", p)
}

// adopt makes p a child of weight 1.
func (r *rig) adopt(p protocol.PeerID) {
	r.t.Helper()
	r.from(p, Join{Orphan: true, Feasible: maxLatency, Weight: 1, Value: 1, RTT: 20 * time.Millisecond})
	if len(sent[Accept](r, p)) == 0 {
		r.t.Fatalf("%s was not accepted: %v", p, r.did)
	}
}

func item(author protocol.PeerID, seq uint64) *protocol.Item {
	return protocol.NewItem("t", author, seq, []byte(fmt.Sprint("item ", seq)))
}

// push has a peer push an item that is new, and the container accept it.
func (r *rig) push(from protocol.PeerID, it *protocol.Item) {
	r.from(from, protocol.Carry{Item: it})
	r.in(protocol.Accepted{Item: it, From: from, Via: protocol.FirstPatchObject})
}
