package antientropy

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// script drives one machine by hand.
type script struct {
	t   *testing.T
	m   protocol.Machine
	now protocol.Time
	out protocol.Outbox
}

func newScript(t *testing.T, m protocol.Machine) *script {
	s := &script{t: t, m: m, now: 1}
	s.do(protocol.Start{})
	return s
}

func ownedScript(t *testing.T, held ...Run) *script {
	return newScript(t, NewOwned(Config{}, author, held, rand.New(rand.NewPCG(1, 1))))
}

func openScript(t *testing.T, keys ...Key) *script {
	return newScript(t, NewOpen(Config{}, keys, rand.New(rand.NewPCG(1, 1))))
}

// effects are what a step led to.
type effects []protocol.Effect

// do hands in an input and returns what it leads to at once.
func (s *script) do(in protocol.Input) effects {
	s.t.Helper()
	s.m.Handle(s.now, in, &s.out)
	return s.taken()
}

func (s *script) taken() effects {
	s.t.Helper()
	if at := s.m.Deadline(); at <= s.now {
		s.t.Fatalf("deadline %v is not after %v", at, s.now)
	}
	return append(effects(nil), s.out.Take()...)
}

// pass lets time pass and returns what it led to.
func (s *script) pass(d time.Duration) (all effects) {
	s.t.Helper()
	until := s.now.Add(d)
	for s.m.Deadline() <= until {
		s.now = s.m.Deadline()
		s.m.Advance(s.now, &s.out)
		all = append(all, s.taken()...)
	}
	s.now = until
	return all
}

// neighbour adds neighbours with a round trip of 20 ms.
func (s *script) neighbour(peers ...protocol.PeerID) effects {
	s.t.Helper()
	var in protocol.MembersChanged
	for _, p := range peers {
		in.Deltas = append(in.Deltas, protocol.MemberDelta{Peer: p, RTT: 20 * time.Millisecond})
	}
	return s.do(in)
}

// from is a message that comes from a peer.
func (s *script) from(p protocol.PeerID, m protocol.Message) effects {
	s.t.Helper()
	return s.do(protocol.Received{From: protocol.Origin{Peer: p, Authenticated: true}, Msg: m, At: s.now})
}

// arrive brings an item by repair and has it accepted and stored.
func (s *script) arrive(p protocol.PeerID, it *protocol.Item) effects {
	s.t.Helper()
	all := s.from(p, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
	all = append(all, s.do(protocol.Accepted{Item: it, From: p, Repaired: true})...)
	return append(all, s.do(Held{Item: it})...)
}

// sent returns the messages of type M among the effects, and whom they go to.
func sent[M protocol.Message](es effects) (msgs []M, to []protocol.PeerID) {
	for _, e := range es {
		if send, ok := e.(protocol.Send); ok {
			if m, ok := send.Msg.(M); ok {
				msgs, to = append(msgs, m), append(to, send.To)
			}
		}
	}
	return msgs, to
}

// one returns the only message of type M.
func one[M protocol.Message](t *testing.T, es effects) M {
	t.Helper()
	msgs, _ := sent[M](es)
	if len(msgs) != 1 {
		t.Fatalf("%d messages of type %T in %+v, want 1", len(msgs), *new(M), es)
	}
	return msgs[0]
}

// none fails on a message of type M.
func none[M protocol.Message](t *testing.T, es effects) {
	t.Helper()
	if msgs, _ := sent[M](es); len(msgs) > 0 {
		t.Fatalf("unexpected %+v", msgs)
	}
}

// of returns the effects of type E.
func of[E protocol.Effect](es effects) (found []E) {
	for _, e := range es {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// noted counts the events of a name.
func noted(es effects, name string) (n int) {
	for _, e := range of[protocol.Event](es) {
		if e.Name == name {
			n++
		}
	}
	return n
}

// whole is the digest of who holds entries first to last.
func whole(first, last uint64) Digest {
	return Digest{Floor: 1, From: 1, Top: last, Runs: []Range{{first, last}}, Head: entry(last, "").ID}
}

func run(first, last uint64) Run { return Run{Range{first, last}, entry(last, "").ID} }
