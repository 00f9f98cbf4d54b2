package donet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// rig drives one machine by hand and looks at what it wants done.
type rig struct {
	t   testing.TB
	m   *Machine
	out protocol.Outbox
	now protocol.Time
	did []protocol.Effect // since the last clear
}

const (
	second = protocol.Time(time.Second)
	author = protocol.PeerID("author")
)

func newRig(t testing.TB, cfg Config, self protocol.PeerID) *rig {
	r := &rig{t: t, now: second}
	r.m = New(cfg, protocol.Env{Self: self, Topic: "t", Owner: author, Rand: rand.New(rand.NewPCG(1, 2))})
	r.in(protocol.Start{})
	return r
}

// in gives the machine an input and does what the core would do at once: a link that is
// asked for is up.
func (r *rig) in(in protocol.Input) {
	r.m.Handle(r.now, in, &r.out)
	r.take()
}

func (r *rig) take() {
	for r.out.Len() > 0 {
		for _, e := range append([]protocol.Effect(nil), r.out.Take()...) {
			r.did = append(r.did, e)
			if d, ok := e.(protocol.Dial); ok {
				r.m.Handle(r.now, protocol.LinkUp{Link: protocol.Link{Peer: d.Peer, Outbound: true, RTT: 20 * ms}}, &r.out)
			}
		}
	}
	r.check()
}

// check looks at what must hold after every call.
func (r *rig) check() {
	m := r.m
	owes, opened := map[*peer]int{}, map[*peer]int{}
	for i, w := range m.wants.heap {
		if w.index != i || m.wants.get(w.st, w.seq) != w {
			r.t.Fatalf("want %d is lost", w.seq)
		}
		if w.asked != nil {
			owes[w.asked]++
		}
		if w.opener != nil {
			opened[w.opener]++
		}
	}
	for _, p := range m.peers.order {
		if p.owes != owes[p] || p.opened != opened[p] || p.opened > MaxWantsPerPeer || len(p.toAsk) > 0 {
			r.t.Fatalf("%s owes %d, counted %d; named %d, counted %d", p.id, owes[p], p.owes, opened[p], p.opened)
		}
	}
	for _, st := range m.streams.order {
		if st.root && st.parent != nil || st.parent != nil && st.child(st.parent) != nil || len(st.children) > MaxChildren ||
			len(st.log) > MaxHeld || len(st.bySeq) > len(st.log) {
			r.t.Fatalf("stream %x: root %v, parent %v, %d children, %d held", st.tag, st.root, st.parent, len(st.children), len(st.log))
		}
	}
	if len(m.peers.order) > MaxPeers || len(m.streams.order) > MaxStreams || len(m.wants.heap) > MaxWants ||
		len(m.members.list) > MaxMembers || len(m.serving.queue) > MaxServing || len(m.grudges.list) > MaxGrudges || len(m.refusals.order) > MaxRefusals {
		r.t.Fatal("something is beyond its bound")
	}
}

// member makes peers neighbours, 20 ms away.
func (r *rig) member(peers ...protocol.PeerID) {
	for _, p := range peers {
		r.in(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: p, Weight: 1, RTT: 20 * ms}}})
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

// served returns how many stored items were sent to a peer.
func (r *rig) served(to protocol.PeerID) (n int) {
	for _, e := range r.did {
		if f, ok := e.(protocol.FetchAndSend); ok && f.To == to {
			n += len(f.Items)
		}
	}
	return n
}

// stands is what one says that stands somewhere, lag below the author.
func stands(beat uint64, lag time.Duration, path ...protocol.PeerID) Stand {
	s := Stand{Attached: true, Beat: beat, Lag: lag, Base: lag, Spare: 5, Reach: ReachPublic}
	for _, p := range path {
		s.Path = append(s.Path, keyOf(p))
	}
	return s
}

// attach makes p the parent.
func (r *rig) attach(p protocol.PeerID, lag time.Duration) {
	r.member(p)
	r.from(p, stands(1, lag, author))
	for range 40 { // an answer must come soon
		if r.wait(10 * ms); len(sent[Join](r, p)) > 0 {
			break
		}
	}
	if len(sent[Join](r, p)) == 0 {
		r.t.Fatalf("no Join to %s: %v", p, r.did)
	}
	s := stands(1, lag, author)
	s.Child, s.Joined = true, true
	r.from(p, s)
	if got := r.m.Position(); got.Parent != p {
		r.t.Fatalf("parent %q, want %q", got.Parent, p)
	}
	r.clear()
}

// adopt makes p a child.
func (r *rig) adopt(p protocol.PeerID) {
	r.from(p, Join{Orphan: true, Weight: 1, Value: 1, RTT: 20 * ms})
	if list := sent[Stand](r, p); len(list) == 0 || !list[len(list)-1].Joined {
		r.t.Fatalf("%s was not accepted: %v", p, r.did)
	}
}

// partner makes p a partner that has sought this peer.
func (r *rig) partner(p protocol.PeerID) {
	r.from(p, Meet{Mode: MeetAsk})
	if list := sent[Meet](r, p); len(list) == 0 || list[len(list)-1].Mode != MeetYes {
		r.t.Fatalf("%s is no partner: %v", p, r.did)
	}
}

func item(seq uint64) *protocol.Item {
	return protocol.NewItem("t", author, seq, []byte(fmt.Sprint("item ", seq)))
}

// push has a peer push an item that is new, and the container accept it.
func (r *rig) push(from protocol.PeerID, seqs ...uint64) {
	for _, seq := range seqs {
		it := item(seq)
		r.from(from, protocol.Carry{Item: it})
		r.in(protocol.Accepted{Item: it, From: from, Via: protocol.FirstPatchObject})
	}
}
