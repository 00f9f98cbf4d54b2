package antientropy

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// While the fast path works repair keeps out of its way.
func TestSilentWhileFastPathWorks(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := newTestNet(t, 1)
			w.check = checkBounds
			for range 8 {
				w.peer(kind.peer)
			}
			w.mesh(w.peers, 2)
			const items = 600
			for n := 1; n <= items; n++ {
				it := kind.item(n)
				for _, p := range w.peers {
					w.after(time.Duration(w.rng.IntN(200))*time.Millisecond, func() { p.publish(it) })
				}
				w.run(100*time.Millisecond, nil)
			}
			w.run(time.Minute, nil)
			carries, control := 0, 0
			for _, p := range w.peers {
				carries += p.carries
				control += p.control
			}
			perSecond := float64(control) / 120 / float64(len(w.peers))
			t.Logf("%d items sent by repair, %.1f bytes of control a second and peer", carries, perSecond)
			if carries > items*len(w.peers)/1000 {
				t.Errorf("%d items sent by repair", carries)
			}
			if perSecond > 150 {
				t.Errorf("%.1f bytes of control a second and peer", perSecond)
			}
		})
	}
}

// Pseudo-random sequences of everything, with the invariants checked at each.
func TestEventSweep(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 3))
		data := make([]byte, 900)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		fuzzEvents(t, ownedPeer(), data)
		fuzzEvents(t, openPeer, data)
	}
}

func TestNeighboursAreBounded(t *testing.T) {
	s := ownedScript(t)
	for i := range 2 * MaxNeighbours {
		s.neighbour(protocol.PeerID(fmt.Sprint("peer", i)))
	}
	if n := len(s.m.(*Owned).nbrs); n != MaxNeighbours {
		t.Errorf("%d neighbours", n)
	}
}

// Items that the store is slow to take are bounded, and stop the pulling.
func TestPendingIsBounded(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b")
	m := s.m.(*Owned)
	for seq := uint64(1); seq <= MaxPending+100; seq++ {
		s.do(protocol.Accepted{Item: entry(seq, "")})
		if seq == MaxPending/2-1 {
			one[Pull](t, s.from("b", whole(1, MaxPending*2)))
			s.do(protocol.LinkDown{Peer: "b"})
			s.neighbour("b")
		}
	}
	if m.pending.len() != MaxPending || count(m.pendingSeqs) != MaxPending {
		t.Fatalf("%d pending, %d numbers", m.pending.len(), count(m.pendingSeqs))
	}
	m.nbrs[0].pull = nil
	none[Pull](t, s.from("b", whole(1, MaxPending*2)))
	for seq := uint64(1); seq <= MaxPending*3/4; seq++ {
		s.do(Held{Item: entry(seq, "")})
	}
	s.pass(lookEvery)
	if m.nbrs[0].pull == nil {
		t.Error("nothing is pulled when there is room again")
	}
	for range 20 * MaxPending { // the list of expiries does not grow either
		s.do(protocol.Accepted{Item: entry(1, "other")})
		s.do(Held{Item: entry(1, "other")})
		if n := len(m.pending.order); n > 2*MaxPending {
			t.Fatalf("%d expiries", n)
		}
	}
}

// The store's word is waited for, but not for ever.
func TestPendingExpires(t *testing.T) {
	p := newPendings()
	p.add(0, id(1), pending{seq: 1})
	p.add(10, id(2), pending{seq: 2})
	p.take(id(1))
	p.add(20, id(1), pending{seq: 1, repaired: true})
	if at := p.next(); at != protocol.Time(10).Add(pendingFor) {
		t.Errorf("next at %v", at)
	}
	if gone := p.expire(protocol.Time(19).Add(pendingFor)); len(gone) != 1 || gone[0].seq != 2 {
		t.Errorf("expired %+v", gone)
	}
	if gone := p.expire(protocol.Time(20).Add(pendingFor)); len(gone) != 1 || !gone[0].repaired {
		t.Errorf("expired %+v", gone)
	}
	if p.len() != 0 || p.next() != protocol.Never {
		t.Errorf("%d left", p.len())
	}
}

// The pace slows down while nothing changes, and quickens when something does.
func TestPace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := newPacer(Config{}.withDefaults())
	p.changed(0, rng)
	if p.next != protocol.Never {
		t.Fatal("runs before it is started")
	}
	p.start(0, rng)
	var last protocol.Time
	var gap time.Duration
	for range 8 {
		now := p.next
		if p.due(now-1, rng) || !p.due(now, rng) {
			t.Fatal("not due when it says")
		}
		gap, last = now.Sub(last), now
	}
	if gap < DefaultMaxInterval*3/4 || gap > DefaultMaxInterval*5/4 {
		t.Errorf("%v between two exchanges when idle", gap)
	}
	now := last.Add(20 * time.Second)
	p.changed(now, rng)
	if wait := p.next.Sub(now); wait > settle*5/4 || wait < settle*3/4 {
		t.Errorf("%v after a change", wait)
	}
	p.due(p.next, rng)
	p.changed(p.last, rng)
	if wait := p.next.Sub(p.last); wait < DefaultMinInterval*3/4 || wait > DefaultMinInterval*5/4 {
		t.Errorf("%v after a change that follows an exchange", wait)
	}
}

// A slow neighbour is asked for less at a time, and waited for longer.
func TestBudgetFollowsTheRate(t *testing.T) {
	u := newPuller(Config{}.withDefaults(), rand.New(rand.NewPCG(1, 1)))
	fast, slow := &neighbour{rate: 1e6}, &neighbour{rate: 2000}
	size, items := u.budget(fast)
	if size != MaxPullBytes || items != MaxPullBytes/guessedSize/2 {
		t.Errorf("fast: %d bytes, %d items", size, items)
	}
	if size, _ := u.budget(slow); size != 20_000 {
		t.Errorf("slow: %d bytes", size)
	}
	u.size = 1 << 20
	if _, items := u.budget(fast); items != 1 {
		t.Errorf("large: %d items", items)
	}
	if f, s := u.quiet(fast), u.quiet(slow); s <= f || s > maxPullTime {
		t.Errorf("waits %v for a fast one, %v for a slow one", f, s)
	}
	u.size = 1
	if _, items := u.budget(fast); items != maxPullItems {
		t.Errorf("small: %d items", items)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{
		{MinInterval: -1},
		{MinInterval: 2 * time.Minute},
		{PullBytes: MaxPullBytes + 1},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
