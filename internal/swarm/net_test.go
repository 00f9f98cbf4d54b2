package swarm

import (
	"bytes"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

const topicName = "square"

// content is something large, whole and in pieces.
type content struct {
	m      large.Manifest
	root   large.Hash
	item   *protocol.Item
	pieces [][]byte
}

func newContent(t testing.TB, seed uint64, size, segment int) *content {
	t.Helper()
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(seed), 9})
	_, _ = rng.Read(data)
	b, err := large.NewBuilderWith(int64(size), segment)
	if err != nil {
		t.Fatal(err)
	}
	c := &content{}
	for b.Next() > 0 {
		n := b.Next()
		b.Add(data[:n])
		c.pieces = append(c.pieces, data[:n])
		data = data[n:]
	}
	m, index := b.Finish("x")
	c.m, c.root, c.pieces = m, m.Root(), append(index, c.pieces...)
	c.item = protocol.NewItem(topicName, "author", seed+1, m.AppendTo(nil))
	return c
}

// network is many machines under a hand clock, each with a disk. Links keep order; a
// peer's uplink sends one message after the other.
type network struct {
	t     *testing.T
	seed  uint64
	now   protocol.Time
	rng   *rand.Rand
	loss  float64
	peers []*testPeer
	queue eventQueue
	seq   uint64
	known map[large.Hash]*content
	quick bool // no check after every event
	news  bool // somebody is done, or dead
}

type testPeer struct {
	id    protocol.PeerID
	m     *Machine
	out   protocol.Outbox
	alive bool
	full  bool // the disk
	rate  int  // uplink in bytes a second, 0 for no bound
	free  protocol.Time
	links map[protocol.PeerID]*testLink
	disk  map[large.Hash]large.Bits
	wake  protocol.Time
	// lies, if set, changes what the peer sends; nil for nothing.
	lies func(msg protocol.Message) protocol.Message

	done     map[large.Hash]protocol.Time
	fetched  map[string]int // pieces that came, by content and number
	charged  map[protocol.PeerID]int
	pieces   int // sent
	bytesOut int
}

type testLink struct {
	to      *testPeer
	delay   time.Duration
	arrives protocol.Time
}

type event struct {
	at   protocol.Time
	seq  uint64
	to   *testPeer
	in   protocol.Input // nil to advance
	from *testPeer
	m    *Machine // it was meant for
}

func newNetwork(t *testing.T, seed uint64, n int) *network {
	net := &network{t: t, seed: seed, now: 1, rng: rand.New(rand.NewPCG(seed, 0)), known: map[large.Hash]*content{}}
	for i := range n {
		p := &testPeer{id: protocol.PeerID(fmt.Sprintf("peer-%04d", i)), disk: map[large.Hash]large.Bits{}}
		net.peers = append(net.peers, p)
		net.boot(p)
	}
	return net
}

// boot starts a peer anew: what is on its disk stays.
func (net *network) boot(p *testPeer) {
	p.m = New(Config{Topic: protocol.TopicOf(topicName)}, rand.New(rand.NewPCG(net.seed, net.rng.Uint64())))
	p.alive, p.wake = true, protocol.Never
	p.links = map[protocol.PeerID]*testLink{}
	p.done, p.fetched, p.charged = map[large.Hash]protocol.Time{}, map[string]int{}, map[protocol.PeerID]int{}
	p.out.Take()
}

// mesh links every peer to three others, so that the mean degree is six.
func (net *network) mesh() *network {
	for i, p := range net.peers {
		if i > 0 {
			net.link(p, net.peers[net.rng.IntN(i)])
		}
		for range 2 {
			net.link(p, net.peers[net.rng.IntN(len(net.peers))])
		}
	}
	return net
}

func (net *network) link(a, b *testPeer) {
	if a == b || a.links[b.id] != nil || !a.alive || !b.alive {
		return
	}
	delay := time.Duration(5+net.rng.IntN(30)) * time.Millisecond
	for _, l := range [][2]*testPeer{{a, b}, {b, a}} {
		l[0].links[l[1].id] = &testLink{to: l[1], delay: delay}
		net.handle(l[0], protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: l[1].id, RTT: 2 * delay}}})
	}
}

// kill stops a peer without a word; its neighbours suspect it, then lose it.
func (net *network) kill(p *testPeer) {
	p.alive = false
	net.news = true
	for _, q := range net.peers {
		if q.links[p.id] != nil && q.alive {
			net.schedule(net.now.Add(1500*time.Millisecond), q, nil, protocol.LinkSuspected{Peer: p.id})
			net.schedule(net.now.Add(5*time.Second), q, nil, protocol.LinkDown{Peer: p.id})
			delete(q.links, p.id)
		}
	}
}

// give puts a content on a peer's disk, or a share of it, and tells its machine as a
// restart does, or a publication.
func (net *network) give(p *testPeer, c *content, share float64) {
	root := c.root
	net.known[root] = c
	if share >= 1 {
		p.disk[root] = large.AllBits(len(c.pieces))
		net.handle(p, Kept{Root: root, Layout: c.m.Layout})
	} else {
		p.disk[root] = large.NewBits(len(c.pieces))
		for i := range c.pieces {
			if net.rng.Float64() < share {
				p.disk[root].Set(i)
			}
		}
	}
	net.handle(p, protocol.Accepted{Item: c.item})
}

// publish has one peer publish, and all others hear of it some time later.
func (net *network) publish(p *testPeer, c *content) {
	net.give(p, c, 1)
	for _, q := range net.peers {
		if q != p && q.alive {
			net.schedule(net.now.Add(time.Duration(net.rng.IntN(300))*time.Millisecond), q, nil, protocol.Accepted{Item: c.item})
		}
	}
}

func (net *network) schedule(at protocol.Time, to, from *testPeer, in protocol.Input) {
	net.seq++
	heap.Push(&net.queue, &event{at: at, seq: net.seq, to: to, from: from, in: in, m: to.m})
}

func (net *network) handle(p *testPeer, in protocol.Input) {
	p.m.Handle(net.now, in, &p.out)
	net.perform(p)
}

// run lets everything happen until a time, or until stop says so.
func (net *network) run(until time.Duration, stop func() bool) {
	net.t.Helper()
	for len(net.queue) > 0 && net.queue[0].at <= protocol.Time(until) {
		e := heap.Pop(&net.queue).(*event)
		net.now = e.at
		p := e.to
		switch {
		case !p.alive || e.m != p.m:
			continue
		case e.in == nil:
			p.wake = protocol.Never
			if p.m.Deadline() <= net.now {
				p.m.Advance(net.now, &p.out)
			}
		case e.from != nil && p.links[e.from.id] == nil:
			continue
		default:
			if r, ok := e.in.(protocol.Received); ok {
				if piece, ok := r.Msg.(Piece); ok {
					p.fetched[fmt.Sprint(piece.Root, piece.Index)]++
				}
			}
			p.m.Handle(net.now, e.in, &p.out)
		}
		net.perform(p)
		if !net.quick {
			if bad := p.m.check(); bad != "" {
				net.t.Fatalf("seed %d, %v, %s: %s", net.seed, time.Duration(net.now), p.id, bad)
			}
		}
		if net.news && stop != nil && stop() {
			return
		}
		net.news = false
	}
	net.now = max(net.now, protocol.Time(until))
}

func (net *network) perform(p *testPeer) {
	for p.out.Len() > 0 {
		for _, e := range slices.Clone(p.out.Take()) {
			net.effect(p, e)
		}
	}
	if d := max(p.m.Deadline(), net.now); d < p.wake {
		p.wake = d
		net.schedule(d, p, nil, nil)
	}
}

func (net *network) effect(p *testPeer, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		net.send(p, e.To, e.Msg)
	case Open:
		m, _ := large.Of(e.Item)
		in := Opened{Root: e.Root, OK: !p.full}
		if have := p.disk[e.Root]; have == nil {
			p.disk[e.Root] = large.NewBits(m.Pieces())
		} else {
			in.Have, in.Tree = slices.Clone(have), large.NewTree(m)
			for i := range m.Index() {
				if have.Has(i) {
					in.Tree.Learn(i, net.known[e.Root].pieces[i])
				}
			}
		}
		net.schedule(net.now.Add(time.Millisecond), p, nil, in)
	case StorePiece:
		if c := net.known[e.Root]; c == nil || !bytes.Equal(c.pieces[e.Index], e.Bytes) {
			net.t.Fatalf("seed %d: %s stores bytes that are not piece %d", net.seed, p.id, e.Index)
		}
		if !p.full && !p.disk[e.Root].Set(e.Index) {
			net.t.Fatalf("seed %d: %s stores piece %d again", net.seed, p.id, e.Index)
		}
		net.schedule(net.now.Add(time.Millisecond), p, nil, PieceStored{Token: e.Token, OK: !p.full})
	case FetchPieces:
		for _, i := range e.Pieces {
			if !p.disk[e.Root].Has(int(i)) {
				net.t.Fatalf("seed %d: %s serves piece %d, which it does not have", net.seed, p.id, i)
			}
			net.send(p, e.To, Piece{e.Root, i, net.known[e.Root].pieces[i]})
			p.pieces++
		}
	case Done:
		if p.disk[e.Root].Count() != len(net.known[e.Root].pieces) {
			net.t.Fatalf("seed %d: %s is done without having all", net.seed, p.id)
		}
		p.done[e.Root] = net.now
		net.news = true
	case protocol.Charge:
		p.charged[e.Peer]++
	}
}

func (net *network) send(p *testPeer, to protocol.PeerID, msg protocol.Message) {
	l := p.links[to]
	if l == nil {
		return
	}
	if p.lies != nil {
		if msg = p.lies(msg); msg == nil {
			return
		}
	}
	b := msg.AppendTo(nil)
	got, err := Decode(msg.Kind(), b)
	if err != nil {
		net.t.Fatalf("seed %d: %s sends %T that does not decode: %v", net.seed, p.id, msg, err)
	}
	p.bytesOut += len(b)
	if p.rate > 0 {
		p.free = max(p.free, net.now).Add(time.Duration(len(b)) * time.Second / time.Duration(p.rate))
	}
	if net.rng.Float64() < net.loss {
		return
	}
	l.arrives = max(l.arrives, max(p.free, net.now).Add(l.delay))
	net.schedule(l.arrives, l.to, p, protocol.Received{From: protocol.Origin{Peer: p.id, Authenticated: true}, Object: protocol.ObjectLarge, Msg: got})
}

// all reports whether all living honest peers have a content.
func (net *network) all(c *content) bool {
	for _, p := range net.peers {
		if _, ok := p.done[c.root]; !ok && p.alive && p.lies == nil {
			return false
		}
	}
	return true
}

// wait runs until all have a content.
func (net *network) wait(c *content, limit time.Duration) time.Duration {
	net.t.Helper()
	begin := net.now
	if net.all(c) {
		return 0
	}
	net.run(time.Duration(begin)+limit, func() bool { return net.all(c) })
	if !net.all(c) {
		lacking := ""
		for _, p := range net.peers {
			if _, ok := p.done[c.root]; !ok && p.alive {
				lacking += fmt.Sprintf(" %s %+v;", p.id, p.m.Explain(net.now))
			}
		}
		net.t.Fatalf("seed %d: after %v not everybody has everything:%s", net.seed, limit, lacking)
	}
	return time.Duration(net.now - begin)
}

type eventQueue []*event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(e any)   { *q = append(*q, e.(*event)) }
func (q *eventQueue) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return e
}
