package gossip

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const topicName = "/quilt/test"

// network is many machines under a hand clock. Each peer has a container that
// accepts at once, and a store. Links keep the order of messages, as streams do.
type network struct {
	t     *testing.T
	now   protocol.Time
	rng   *rand.Rand
	loss  float64 // of every message, whatever its kind
	peers []*testPeer
	queue eventQueue
	seq   uint64
	trace hash.Hash
	sent  map[string]int // messages by kind
	items int
}

type testPeer struct {
	id    protocol.PeerID
	m     *Machine
	out   protocol.Outbox
	x, y  float64 // place, in ms of one-way latency
	alive bool
	links map[protocol.PeerID]*testLink
	store map[protocol.ItemID]*protocol.Item
	first map[protocol.ItemID]protocol.Time // when it was accepted
	wake  protocol.Time
	seq   uint64
}

// testLink is one direction.
type testLink struct {
	to      *testPeer
	arrives protocol.Time // of the last message
}

type event struct {
	at   protocol.Time
	seq  uint64
	to   *testPeer
	in   protocol.Input // nil to advance
	from *testPeer
}

func newNetwork(t *testing.T, seed uint64, n int) *network {
	net := &network{t: t, now: 1, rng: rand.New(rand.NewPCG(seed, 0)), trace: sha256.New(), sent: map[string]int{}}
	for i := range n {
		p := &testPeer{
			id: protocol.PeerID(fmt.Sprintf("peer-%04d", i)),
			m:  New(Config{}, rand.New(rand.NewPCG(seed, uint64(i)+1))),
			x:  net.rng.Float64() * 60, y: net.rng.Float64() * 60,
			alive: true, wake: protocol.Never,
			links: map[protocol.PeerID]*testLink{},
			store: map[protocol.ItemID]*protocol.Item{},
			first: map[protocol.ItemID]protocol.Time{},
		}
		net.peers = append(net.peers, p)
	}
	return net
}

// newOverlay links every peer to three others, so that the mean degree is six.
func newOverlay(t *testing.T, seed uint64, n int) *network {
	net := newNetwork(t, seed, n)
	for i, p := range net.peers {
		if i > 0 { // connected for certain
			net.link(p, net.peers[net.rng.IntN(i)])
		}
		for range 2 {
			net.link(p, net.peers[net.rng.IntN(n)])
		}
	}
	return net
}

func (net *network) latency(a, b *testPeer) time.Duration {
	ms := 1 + math.Hypot(a.x-b.x, a.y-b.y)
	return time.Duration(ms * float64(time.Millisecond))
}

func (net *network) link(a, b *testPeer) {
	if a == b || a.links[b.id] != nil || len(a.links) == 10 || len(b.links) == 10 {
		return
	}
	rtt := 2 * net.latency(a, b)
	for _, l := range [][2]*testPeer{{a, b}, {b, a}} {
		l[0].links[l[1].id] = &testLink{to: l[1]}
		net.handle(l[0], protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: l[1].id, RTT: rtt}}})
	}
}

// kill stops a peer without a word; its neighbours suspect it and then lose it.
func (net *network) kill(p *testPeer) {
	p.alive = false
	for _, q := range net.peers {
		if q.links[p.id] != nil && q.alive {
			net.schedule(net.now.Add(1500*time.Millisecond), q, nil, protocol.LinkSuspected{Peer: p.id})
			net.schedule(net.now.Add(12*time.Second), q, nil, protocol.LinkDown{Peer: p.id})
		}
	}
}

func (net *network) schedule(at protocol.Time, to, from *testPeer, in protocol.Input) {
	net.seq++
	heap.Push(&net.queue, event{at: at, seq: net.seq, to: to, from: from, in: in})
}

// publish has p publish an item of size bytes of payload.
func (net *network) publish(p *testPeer, size int) *protocol.Item {
	p.seq++
	it := protocol.NewItem(topicName, p.id, p.seq, make([]byte, size))
	net.items++
	p.keep(net.now, it)
	net.handle(p, protocol.Accepted{Item: it})
	return it
}

func (p *testPeer) keep(now protocol.Time, it *protocol.Item) {
	p.store[it.ID], p.first[it.ID] = it, now
}

// run lets d pass.
func (net *network) run(d time.Duration) {
	end := net.now.Add(d)
	for len(net.queue) > 0 && net.queue[0].at <= end {
		e := heap.Pop(&net.queue).(event)
		net.now = e.at
		switch p := e.to; {
		case !p.alive:
		case e.in != nil:
			if e.from == nil || p.links[e.from.id] != nil {
				net.handle(p, e.in)
			}
		case e.at == p.wake:
			p.wake = protocol.Never
			p.m.Advance(net.now, &p.out)
			net.after(p)
		}
	}
	net.now = end
}

func (net *network) handle(p *testPeer, in protocol.Input) {
	p.m.Handle(net.now, in, &p.out)
	net.after(p)
}

// after performs what a machine wants done, checks it, and arranges for it to be
// woken.
func (net *network) after(p *testPeer) {
	for p.out.Len() > 0 {
		for _, e := range slices.Clone(p.out.Take()) {
			net.perform(p, e)
		}
	}
	live, bad := p.m.checkNeighbours()
	if bad == "" {
		bad = p.m.checkWants(live)
	}
	if bad == "" && net.seq%16 == 0 { // the longest list
		bad = p.m.checkRecent(live)
	}
	if bad != "" {
		net.t.Fatalf("%v %s: %s", net.now, string(p.id), bad)
	}
	if d := p.m.Deadline(); d < p.wake {
		p.wake = max(d, net.now)
		net.schedule(p.wake, p, nil, nil)
	}
}

func (net *network) perform(p *testPeer, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		net.send(p, e.To, e.Msg)
	case protocol.FetchAndSend:
		for _, id := range e.Items {
			if it := p.store[id]; it != nil {
				net.send(p, e.To, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
			}
		}
	case protocol.Arrive:
		if p.store[e.Item.ID] != nil {
			p.m.Handle(net.now, protocol.Duplicate{ID: e.Item.ID, From: e.From}, &p.out)
			return
		}
		p.keep(net.now, e.Item)
		p.m.Handle(net.now, protocol.Accepted{Item: e.Item, From: e.From, Via: protocol.ObjectGossip,
			Hops: e.Hops, Repaired: e.Repaired}, &p.out)
	case protocol.Event:
		net.sent[e.Name]++
	default:
		net.t.Fatalf("unexpected effect %T", e)
	}
}

func (net *network) send(p *testPeer, to protocol.PeerID, msg protocol.Message) {
	l := p.links[to]
	if l == nil {
		return
	}
	fmt.Fprintf(net.trace, "%d %s %s %d\n", net.now, string(p.id), string(to), msg.Kind())
	net.sent[fmt.Sprintf("%T", msg)]++
	if net.rng.Float64() < net.loss || !l.to.alive {
		return
	}
	jitter := 1 + net.rng.Float64()/10
	l.arrives = max(l.arrives, net.now.Add(time.Duration(float64(net.latency(p, l.to))*jitter)))
	net.schedule(l.arrives, l.to, p, protocol.Received{From: protocol.Origin{Peer: p.id, Authenticated: true},
		Msg: msg, At: l.arrives})
}

// missed counts pairs of an item and a living peer that does not have it.
func (net *network) missed(items ...*protocol.Item) int {
	n := 0
	for _, p := range net.peers {
		for _, it := range items {
			if p.alive && p.store[it.ID] == nil {
				n++
			}
		}
	}
	return n
}

// payloads is the number of copies of items sent so far.
func (net *network) payloads() int { return net.sent["protocol.Carry"] }

// disagreements counts links that the two ends hold differently.
func (net *network) disagreements() int {
	n := 0
	for _, p := range net.peers {
		for _, a := range p.m.neighbours {
			for _, q := range net.peers {
				if q.id == a.peer && p.alive && q.alive && q.m.find(p.id).eager != a.eager {
					n++
				}
			}
		}
	}
	return n / 2
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return e
}
