package antientropy

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// testNet runs machines against each other under a hand clock, with latency, loss
// and serialisation, every message encoded and decoded on its way. Around each
// machine is a container that accepts at once and a store that takes a while.
type testNet struct {
	t     *testing.T
	rng   *rand.Rand
	now   protocol.Time
	queue events
	seq   int
	peers []*testPeer
	trace hash.Hash

	loss      float64
	cut       func(a, b *testPeer) bool // nil: all can reach each other
	storeTime time.Duration
	rate      float64 // of every link, in bytes a second
	maxSteps  int     // of one run; 0: any number
	check     func(p *testPeer)
}

type testPeer struct {
	net      *testNet
	id       protocol.PeerID
	machine  protocol.Machine
	out      protocol.Outbox
	nbrs     []*testPeer
	items    map[protocol.ItemID]*protocol.Item // on disk
	accepted map[protocol.ItemID]bool
	busy     map[protocol.PeerID]protocol.Time // when the link to a peer is free
	diskFull bool
	lies     bool // holds nothing of what it says

	arrived, duplicates       int
	control, carried, carries int // bytes sent, items sent
	notes                     map[string]int
}

type event struct {
	at  protocol.Time
	seq int
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].seq, q[j].seq)) < 0
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func newTestNet(t *testing.T, seed uint64) *testNet {
	t.Logf("seed %d", seed)
	return &testNet{
		t:         t,
		rng:       rand.New(rand.NewPCG(seed, 1)),
		trace:     sha256.New(),
		storeTime: time.Millisecond,
		rate:      10e6,
	}
}

func (w *testNet) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now.Add(d), w.seq, do})
}

// peer adds a peer; make gets its ID and source of randomness.
func (w *testNet) peer(make_ func(protocol.PeerID, *rand.Rand) protocol.Machine) *testPeer {
	p := &testPeer{
		net:      w,
		id:       protocol.PeerID(fmt.Sprintf("peer-%03d", len(w.peers))),
		items:    map[protocol.ItemID]*protocol.Item{},
		accepted: map[protocol.ItemID]bool{},
		busy:     map[protocol.PeerID]protocol.Time{},
		notes:    map[string]int{},
	}
	p.machine = make_(p.id, rand.New(rand.NewPCG(w.rng.Uint64(), 2)))
	w.peers = append(w.peers, p)
	p.handle(protocol.Start{})
	return p
}

// rtt is the round trip between two peers: 10 to 100 ms, fixed.
func rtt(a, b *testPeer) time.Duration {
	h := sha256.Sum256([]byte(min(a.id, b.id) + max(a.id, b.id)))
	return 10*time.Millisecond + time.Duration(h[0])*90*time.Millisecond/255
}

func (w *testNet) connect(a, b *testPeer) {
	if a == b || slices.Contains(a.nbrs, b) {
		return
	}
	a.nbrs, b.nbrs = append(a.nbrs, b), append(b.nbrs, a)
	a.handle(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: b.id, RTT: rtt(a, b)}}})
	b.handle(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: a.id, RTT: rtt(a, b)}}})
}

func (w *testNet) disconnect(a, b *testPeer) {
	gone := func(p, q *testPeer) {
		p.nbrs = slices.DeleteFunc(p.nbrs, func(n *testPeer) bool { return n == q })
		p.handle(protocol.LinkDown{Peer: q.id})
		p.handle(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: q.id, Gone: true}}})
	}
	gone(a, b)
	gone(b, a)
}

// mesh connects all peers in a ring and to some random ones.
func (w *testNet) mesh(peers []*testPeer, extra int) {
	for i, p := range peers {
		w.connect(p, peers[(i+1)%len(peers)])
		for range extra {
			w.connect(p, peers[w.rng.IntN(len(peers))])
		}
	}
}

// run lets time pass until done, but at most d; it reports whether done.
func (w *testNet) run(d time.Duration, done func() bool) bool {
	until := w.now.Add(d)
	for steps := 0; ; steps++ {
		if w.maxSteps > 0 && steps > w.maxSteps {
			w.t.Fatalf("%d events within %v", steps, d)
		}
		next, who := until, (*testPeer)(nil)
		if len(w.queue) > 0 && w.queue[0].at < next {
			next = w.queue[0].at
		}
		for _, p := range w.peers {
			if at := p.machine.Deadline(); at < next {
				next, who = at, p
			}
		}
		if next >= until {
			w.now = until
			return done != nil && done()
		}
		w.now = max(w.now, next)
		if who != nil {
			who.machine.Advance(w.now, &who.out)
			who.perform()
		} else {
			heap.Pop(&w.queue).(event).do()
		}
		if done != nil && done() {
			return true
		}
	}
}

func (p *testPeer) handle(in protocol.Input) {
	p.machine.Handle(p.net.now, in, &p.out)
	p.perform()
}

// perform does what the machine wants done.
func (p *testPeer) perform() {
	w := p.net
	if at := p.machine.Deadline(); at <= w.now {
		w.t.Fatalf("%s: deadline %v is not after %v", p.id, at, w.now)
	}
	if w.check != nil {
		w.check(p)
	}
	effects := slices.Clone(p.out.Take())
	for _, e := range effects {
		fmt.Fprintf(w.trace, "%d %s %T\n", w.now, p.id, e)
		switch e := e.(type) {
		case protocol.Send:
			p.send(e.To, e.Msg, e.Expires)
		case protocol.FetchAndSend:
			for _, id := range e.Items {
				if it := p.items[id]; it != nil {
					p.send(e.To, protocol.Carry{Item: it, Flags: protocol.FlagRepaired}, e.Expires)
				}
			}
		case protocol.FetchRange:
			p.stream(e)
		case protocol.Arrive:
			p.arrive(e)
		case protocol.Event:
			p.notes[e.Name]++
		default:
			w.t.Fatalf("%s: effect %T", p.id, e)
		}
	}
}

func (p *testPeer) stream(e protocol.FetchRange) {
	var found []*protocol.Item
	for _, it := range p.items { //tidy:orderless sorted below
		if it.Author == e.Author && it.Seq >= e.First && it.Seq <= e.Last {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b *protocol.Item) int { return cmp.Compare(a.Seq, b.Seq) })
	for sent, i := 0, 0; i < len(found) && sent < e.MaxBytes; i++ {
		sent += len(found[i].Bytes)
		p.send(e.To, protocol.Carry{Item: found[i], Flags: protocol.FlagRepaired}, e.Expires)
	}
}

// send puts a message on the link to a peer.
func (p *testPeer) send(to protocol.PeerID, msg protocol.Message, expires protocol.Time) {
	w := p.net
	if expires <= w.now {
		w.t.Fatalf("%s: %T has expired before it is sent", p.id, msg)
	}
	frame := protocol.AppendFrame(nil, protocol.TopicOf("t"), protocol.ObjectRepair, msg)
	w.trace.Write(frame)
	if _, ok := msg.(protocol.Carry); ok {
		if p.lies {
			return
		}
		p.carried += len(frame)
		p.carries++
	} else {
		p.control += len(frame)
	}
	i := slices.IndexFunc(p.nbrs, func(n *testPeer) bool { return n.id == to })
	if i < 0 || w.rng.Float64() < w.loss || w.cut != nil && w.cut(p, p.nbrs[i]) {
		return
	}
	q := p.nbrs[i]
	p.busy[to] = max(p.busy[to], w.now).Add(time.Duration(float64(len(frame)) / w.rate * 1e9))
	w.after(p.busy[to].Sub(w.now)+rtt(p, q)/2, func() {
		f, err := protocol.ParseFrame(frame)
		if err != nil {
			w.t.Fatal(err)
		}
		got, err := Decode(f.Kind, f.Body)
		if err != nil {
			w.t.Fatalf("%T of %d bytes does not decode: %v", msg, len(f.Body), err)
		}
		q.handle(protocol.Received{From: protocol.Origin{Peer: p.id, Authenticated: true}, Msg: got, At: w.now})
	})
}

// arrive is the container.
func (p *testPeer) arrive(e protocol.Arrive) {
	p.arrived++
	if p.accepted[e.Item.ID] {
		p.duplicates++
		p.handle(protocol.Duplicate{ID: e.Item.ID, From: e.From})
		return
	}
	p.accept(e.Item, e.From, e.Repaired)
}

func (p *testPeer) accept(it *protocol.Item, from protocol.PeerID, repaired bool) {
	p.accepted[it.ID] = true
	p.handle(protocol.Accepted{Item: it, From: from, Repaired: repaired})
	p.net.after(p.net.storeTime, func() {
		if p.diskFull {
			delete(p.accepted, it.ID)
			p.handle(Lost{ID: it.ID, Author: it.Author, Seq: it.Seq})
			return
		}
		p.items[it.ID] = it
		p.handle(Held{Item: it})
	})
}

// publish gives a peer an item of its own, or one that came by the fast path.
func (p *testPeer) publish(it *protocol.Item) { p.accept(it, "", false) }

// hasAll reports whether every peer has at least n items.
func hasAll(peers []*testPeer, n int) func() bool {
	return func() bool {
		return !slices.ContainsFunc(peers, func(p *testPeer) bool { return len(p.items) < n })
	}
}

const author = protocol.PeerID("author")

// entry is a small item of the owned feed; variant makes forks.
func entry(seq uint64, variant string) *protocol.Item {
	return protocol.NewItem("/quilt/feed/author", author, seq, fmt.Appendf(nil, "entry %d%s %0200d", seq, variant, 0))
}

const startOfTest = 1_790_000_000 * uint64(time.Second)

// post is an item of the open topic, published n milliseconds into the test.
func post(n int) *protocol.Item {
	by := protocol.PeerID(fmt.Sprintf("author-%d", n%7))
	seq := startOfTest + uint64(n)*uint64(time.Millisecond)
	return protocol.NewItem("open", by, seq, fmt.Appendf(nil, "post %d %0200d", n, 0))
}

func ownedPeer(held ...Run) func(protocol.PeerID, *rand.Rand) protocol.Machine {
	return func(id protocol.PeerID, rng *rand.Rand) protocol.Machine {
		return NewOwned(Config{Self: id}, author, held, rng)
	}
}

func openPeer(id protocol.PeerID, rng *rand.Rand) protocol.Machine {
	return NewOpen(Config{Self: id}, nil, rng)
}

// kinds are both kinds of topic, for what must hold for both.
var kinds = []struct {
	name string
	peer func(protocol.PeerID, *rand.Rand) protocol.Machine
	item func(n int) *protocol.Item // n from 1
}{
	{"owned", ownedPeer(), func(n int) *protocol.Item { return entry(uint64(n), "") }},
	{"open", openPeer, post},
}

// checkBounds fails on a broken invariant of a machine.
func checkBounds(p *testPeer) {
	t := p.net.t
	var e *engine
	switch m := p.machine.(type) {
	case *Owned:
		e = &m.engine
		if len(m.held.ranges) > MaxRuns || len(m.held.ranges) != len(m.held.heads) {
			t.Fatalf("%s: %d runs, %d heads", p.id, len(m.held.ranges), len(m.held.heads))
		}
		var asked uint64
		for _, n := range m.nbrs {
			if n.pull != nil {
				asked += count(n.pull.ranges)
			}
		}
		if distinct := count(m.outstanding()); asked != distinct {
			t.Fatalf("%s: %d entries asked for, %d distinct", p.id, asked, distinct)
		}
		if n := count(m.pendingSeqs); n > uint64(m.pending.len()) {
			t.Fatalf("%s: %d pending numbers, %d pending", p.id, n, m.pending.len())
		}
		if len(m.evidence) > MaxEvidence {
			t.Fatalf("%s: %d pieces of evidence", p.id, len(m.evidence))
		}
	case *Open:
		e = &m.engine
		asked := 0
		for _, n := range m.nbrs {
			if n.pull != nil {
				asked += len(n.pull.keys)
			}
			if len(n.topic.wants) > MaxWants {
				t.Fatalf("%s: %d wants", p.id, len(n.topic.wants))
			}
		}
		if p.net.seq%32 > 0 {
			break // the rest takes long
		}
		if distinct := len(m.asked()); asked != distinct {
			t.Fatalf("%s: %d items asked for, %d distinct", p.id, asked, distinct)
		}
		if m.keys.len() > MaxKeys || len(m.news) > maxNews {
			t.Fatalf("%s: %d keys, %d news", p.id, m.keys.len(), len(m.news))
		}
	}
	if len(e.nbrs) > MaxNeighbours || e.pending.len() > MaxPending || len(e.pending.order) > 2*MaxPending {
		t.Fatalf("%s: %d neighbours, %d pending", p.id, len(e.nbrs), e.pending.len())
	}
}
