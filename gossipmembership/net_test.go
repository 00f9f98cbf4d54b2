package gossipmembership

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// testNet is a network of Views under a hand clock: links with latency, loss of
// messages, kills, partitions. Every message travels encoded.
type testNet struct {
	t     *testing.T
	rng   *rand.Rand
	now   protocol.Time
	seq   int
	queue []event // sorted by (at, seq)
	hosts []*testHost
	by    map[PeerID]*testHost

	loss    float64
	latency time.Duration
	apart   func(a, b *testHost) bool
	adverse map[int]bool // hosts without a View, driven by the test
	bytes   int          // of frames sent
	kinds   [8]int
	dials   int
	ups     int
	tracing bool
	trace   uint64 // hash of all effects
}

type testHost struct {
	n        int
	id       PeerID
	view     *View
	book     *SimpleBook
	links    map[PeerID]bool
	need     map[PeerID]bool
	up       map[PeerID]bool // by Up and Down
	dead     bool
	deadline protocol.Time      // of view
	downs    map[PeerID]string  // why neighbours went
	inbox    []protocol.Message // of an adversary
}

type event struct {
	at  protocol.Time
	seq int
	run func()
}

func testPeer(n int) PeerID { return PeerID(fmt.Sprintf("peer-%032d", n)) }

// testRecord is an unsigned record about as large as a real one.
func testRecord(n int, seq uint64) Record {
	return Record{
		Peer: testPeer(n), Seq: seq,
		Addrs:     []string{"12-byte-addr", "12-byte-adr2", "20-byte-address-ip6!"},
		Signature: make([]byte, signatureLen),
	}
}

func newTestNet(t *testing.T, seed uint64, n int, cfg ViewConfig) *testNet {
	w := &testNet{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), latency: 30 * time.Millisecond,
		by: make(map[PeerID]*testHost), adverse: make(map[int]bool), now: 1e9,
	}
	for i := range n {
		h := &testHost{
			n: i, id: testPeer(i),
			links: make(map[PeerID]bool), need: make(map[PeerID]bool), up: make(map[PeerID]bool),
			downs: make(map[PeerID]string), deadline: protocol.Never,
		}
		h.book = NewSimpleBook(h.id, 200, rand.New(rand.NewPCG(seed, uint64(1000+i))))
		h.book.Learn(w.now, testRecord(i, 1e15), h.id)
		h.view = NewView(cfg, h.id, h.book, rand.New(rand.NewPCG(seed, uint64(100000+i))))
		w.hosts = append(w.hosts, h)
		w.by[h.id] = h
	}
	return w
}

func (w *testNet) after(d time.Duration, run func()) {
	w.seq++
	e := event{w.now.Add(d), w.seq, run}
	i, _ := slices.BinarySearchFunc(w.queue, e, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq))
	})
	w.queue = slices.Insert(w.queue, i, e)
}

// run lets d pass.
func (w *testNet) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		next, who := protocol.Never, (*testHost)(nil)
		for _, h := range w.hosts {
			if !h.dead && h.deadline < next {
				next, who = h.deadline, h
			}
		}
		if len(w.queue) > 0 && w.queue[0].at <= next {
			e := w.queue[0]
			if e.at > end {
				break
			}
			w.queue = w.queue[1:]
			w.now = max(w.now, e.at)
			e.run()
			continue
		}
		if next > end {
			break
		}
		w.now = max(w.now, next)
		var out protocol.Outbox
		who.view.Advance(w.now, &out)
		w.perform(who, &out)
		if who.deadline <= w.now {
			w.t.Fatalf("peer %d: deadline %v is not after now %v", who.n, who.deadline, w.now)
		}
	}
	w.now = end
}

func (w *testNet) handle(h *testHost, in protocol.Input) {
	if h.dead || w.adverse[h.n] {
		return
	}
	var out protocol.Outbox
	h.view.Handle(w.now, in, &out)
	w.perform(h, &out)
}

func (w *testNet) perform(h *testHost, out *protocol.Outbox) {
	w.t.Helper()
	for _, e := range slices.Clone(out.Take()) {
		if w.tracing {
			w.note(h, e)
		}
		switch e := e.(type) {
		case protocol.Send:
			w.send(h, e.To, e.Msg)
		case protocol.Dial:
			h.need[e.Peer] = true
			w.dial(h, e.Peer)
		case protocol.Close:
			if h.up[e.Peer] {
				w.t.Fatalf("peer %d closes its neighbour's link", h.n)
			}
			delete(h.need, e.Peer)
			w.after(5*time.Second, func() { w.unneeded(h, e.Peer) })
		case Up:
			if h.up[e.Peer] || !h.links[e.Peer] {
				w.t.Fatalf("peer %d: Up of %v, which is up (%v) or not linked", h.n, e.Peer, h.up[e.Peer])
			}
			h.up[e.Peer], h.need[e.Peer] = true, true
			w.ups++
		case Down:
			if !h.up[e.Peer] {
				w.t.Fatalf("peer %d: Down of a peer that is not up", h.n)
			}
			delete(h.up, e.Peer)
			h.downs[e.Peer] = e.Reason
		case protocol.Event:
		default:
			w.t.Fatalf("unexpected effect %T", e)
		}
	}
	h.deadline = h.view.Deadline()
	w.check(h)
}

// check holds the invariants that must hold after every event.
func (w *testNet) check(h *testHost) {
	w.t.Helper()
	v := h.view
	switch {
	case len(v.active)+len(v.asks) > v.cfg.MaxActive+v.cfg.Overflow:
		w.t.Fatalf("peer %d: %d neighbours and %d requests", h.n, len(v.active), len(v.asks))
	case v.inbound() > v.cfg.MaxInbound+v.cfg.Overflow:
		w.t.Fatalf("peer %d: %d inbound neighbours", h.n, v.inbound())
	case len(v.passive) > v.cfg.MaxPassive || len(v.lost) > v.cfg.MaxLost:
		w.t.Fatalf("peer %d: %d passive, %d lost", h.n, len(v.passive), len(v.lost))
	case len(h.up) != len(v.active):
		w.t.Fatalf("peer %d: %d up, %d active", h.n, len(h.up), len(v.active))
	}
	seen := map[PeerID]bool{v.self: true}
	for _, n := range v.active {
		if seen[n.peer] || !h.up[n.peer] {
			w.t.Fatalf("peer %d: neighbour %v twice, itself, or without Up", h.n, n.peer)
		}
		seen[n.peer] = true
	}
	for _, m := range v.passive {
		if seen[m.peer] {
			w.t.Fatalf("peer %d: member %v twice", h.n, m.peer)
		}
		seen[m.peer] = true
	}
	for _, l := range v.lost {
		if seen[l.peer] {
			w.t.Fatalf("peer %d: lost member %v twice", h.n, l.peer)
		}
		seen[l.peer] = true
	}
}

func (w *testNet) reachable(a, b *testHost) bool {
	return a != nil && b != nil && !a.dead && !b.dead && (w.apart == nil || !w.apart(a, b))
}

func (w *testNet) send(h *testHost, to PeerID, msg protocol.Message) {
	if !h.links[to] {
		return
	}
	frame := protocol.AppendFrame(nil, protocol.TopicOf("test"), protocol.ObjectView, msg)
	w.bytes += len(frame) + 2
	w.kinds[msg.Kind()]++
	peer := w.by[to]
	if w.rng.Float64() < w.loss {
		return
	}
	w.after(w.latency, func() {
		if !w.reachable(h, peer) || !peer.links[h.id] {
			return
		}
		f, err := protocol.ParseFrame(frame)
		if err != nil {
			w.t.Fatal(err)
		}
		got, err := Decode(f.Kind, f.Body)
		if err != nil {
			w.t.Fatalf("%T does not decode: %v", msg, err)
		}
		if w.adverse[peer.n] {
			peer.inbox = append(peer.inbox, got)
			return
		}
		w.handle(peer, protocol.Received{From: protocol.Origin{Peer: h.id, Authenticated: true}, Msg: got, At: w.now})
	})
}

func (w *testNet) dial(h *testHost, to PeerID) {
	peer := w.by[to]
	w.dials++
	w.after(3*w.latency, func() {
		switch {
		case h.links[to]:
		case w.reachable(h, peer):
			w.link(h, peer)
		default:
			w.after(5*time.Second, func() {
				if !h.links[to] {
					w.handle(h, protocol.DialFailed{Peer: to, Reason: "time-out"})
				}
			})
		}
	})
}

// link brings a link up on both sides, which learn each other's records.
func (w *testNet) link(a, b *testHost) {
	a.links[b.id], b.links[a.id] = true, true
	a.book.Learn(w.now, testRecord(b.n, 1e15), b.id)
	b.book.Learn(w.now, testRecord(a.n, 1e15), a.id)
	w.handle(b, protocol.LinkUp{Link: protocol.Link{Peer: a.id, RTT: 2 * w.latency}})
	w.handle(a, protocol.LinkUp{Link: protocol.Link{Peer: b.id, Outbound: true, RTT: 2 * w.latency}})
}

// unneeded closes a link that neither side needs any more.
func (w *testNet) unneeded(a *testHost, to PeerID) {
	b := w.by[to]
	if b == nil || !a.links[to] || a.need[to] || b.need[a.id] || w.adverse[b.n] {
		return
	}
	w.cut(a, b, "unneeded")
}

func (w *testNet) cut(a, b *testHost, reason string) {
	if !a.links[b.id] {
		return
	}
	for _, end := range [][2]*testHost{{a, b}, {b, a}} {
		delete(end[0].links, end[1].id)
		delete(end[0].need, end[1].id)
		w.handle(end[0], protocol.LinkDown{Peer: end[1].id, Reason: reason})
	}
}

// kill stops hosts silently; links to them go down 12 s later.
func (w *testNet) kill(hosts ...*testHost) {
	for _, h := range hosts {
		h.dead = true
	}
	w.after(12*time.Second, func() {
		for _, h := range hosts {
			for _, other := range w.hosts {
				w.cut(other, h, "dead")
			}
		}
	})
}

// partition separates hosts; links between them go down 12 s later.
func (w *testNet) partition(apart func(a, b *testHost) bool) {
	w.apart = apart
	w.after(12*time.Second, func() {
		for i, a := range w.hosts {
			for _, b := range w.hosts[:i] {
				if w.apart != nil && w.apart(a, b) {
					w.cut(a, b, "dead")
				}
			}
		}
	})
}

// start starts a host that knows the given contacts by a ticket.
func (w *testNet) start(h *testHost, contacts ...int) {
	w.handle(h, protocol.Start{})
	var peers []PeerID
	for _, c := range contacts {
		peers = append(peers, testPeer(c))
	}
	if len(peers) > 0 {
		w.handle(h, Candidates{Peers: peers})
	}
}

// startAll starts all hosts, 200 ms apart, each with one earlier host as contact.
func (w *testNet) startAll(contact func(i int) int) {
	for i, h := range w.hosts {
		if i == 0 {
			w.start(h)
		} else {
			w.start(h, contact(i))
		}
		w.run(200 * time.Millisecond)
	}
}

func (w *testNet) alive() []*testHost {
	var hosts []*testHost
	for _, h := range w.hosts {
		if !h.dead && !w.adverse[h.n] {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// note adds an effect to the trace.
func (w *testNet) note(h *testHost, e protocol.Effect) {
	hash := fnv.New64a()
	fmt.Fprint(hash, w.trace, w.now, h.n, e)
	w.trace = hash.Sum64()
}
