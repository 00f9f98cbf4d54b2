package node

import (
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestForgedSignature: an item with a bad signature is counted and charged, never
// stored, delivered or forwarded; the third ends the link and shuts the peer out.
func TestForgedSignature(t *testing.T) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	mine := newFeed(t, a, "news")
	sub, far := subscribe(t, mine), subscribe(t, follow(t, b, mine))
	r := newRogue(t)
	r.link(a)

	var forged []*protocol.Item
	for seq := uint64(1); seq <= 3; seq++ {
		prev := protocol.ItemID{}
		if seq > 1 {
			prev[0] = byte(seq)
		}
		e := feed.Entry{Type: feed.Post, Seq: seq, Prev: prev, Payload: []byte("forged")}
		it := protocol.NewItem(mine.Name(), mine.Owner(), seq, e.AppendTo(nil))
		sig, err := newKey(t).Sign(it.SignedBytes()) // a good signature by the wrong key
		if err != nil {
			t.Fatal(err)
		}
		forged = append(forged, it.WithSignature(sig, nil))
	}
	for _, it := range forged {
		r.carry(a, it)
	}
	await(t, "the link to end", func() bool { return r.count(r.down, a.id) == 1 })
	if n := counted(a, "core.invalid"); n != 3 {
		t.Errorf("%d invalid items were counted", n)
	}
	if a.gate.open(r.ID()) {
		t.Error("the peer is not refused")
	}
	r.Dial(a.id, a.links.Addrs())
	await(t, "the next dial to fail", func() bool { return r.count(r.failed, a.id) == 1 })

	publish(t, mine, "genuine", WithWait(1))
	nextItem(t, sub, "genuine")
	nextItem(t, far, "genuine")
	for _, n := range []*Node{a, b} {
		for _, it := range forged {
			if held, err := n.store.Has(it.ID); held || err != nil {
				t.Errorf("a forged item is stored (%v)", err)
			}
		}
		if counted(n, "fork") != 0 {
			t.Error("a forged item counts as a fork")
		}
	}
	if counted(b, "core.invalid") != 0 {
		t.Error("a forged item was forwarded")
	}
}

// TestMalformedMessage: a frame that is no message is counted and charged like an
// invalid item.
func TestMalformedMessage(t *testing.T) {
	a := start(t, t.TempDir())
	topic := join(t, a, "talk")
	r := newRogue(t)
	r.link(a)
	for range 3 {
		r.send(a, append(protocol.AppendFrame(nil, topic.id, protocol.ObjectGossip, protocol.Carry{
			Item: protocol.NewItem("talk", "x", 1, nil)}), 0xff))
	}
	await(t, "the link to end", func() bool { return r.count(r.down, a.id) == 1 })
	if n := counted(a, "refused.malformed"); n != 3 || a.gate.open(r.ID()) {
		t.Errorf("%d malformed messages were counted; refused: %v", n, !a.gate.open(r.ID()))
	}
}

// TestForgedRecord: who greets with a record that is not its own gets no link.
func TestForgedRecord(t *testing.T) {
	a := start(t, t.TempDir())
	r := newRogue(t)
	for _, hello := range [][]byte{greetingOf(t, a), append(r.hello[:len(r.hello)-1:len(r.hello)-1], r.hello[len(r.hello)-1]^1), nil} {
		r.hello = hello
		before := r.count(r.failed, a.id)
		r.Dial(a.id, a.links.Addrs())
		await(t, "the dial to fail", func() bool { return r.count(r.failed, a.id) > before })
	}
	if n := a.links.Counters(); n.Refused != 3 || n.Ups != 0 {
		t.Errorf("counters: %+v", n)
	}
}

// greetingOf is a node's own record.
func greetingOf(t *testing.T, n *Node) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if rec, err := gossipmembership.ParseRecord(n.hello); err != nil || rec.Peer != n.id {
		t.Fatal(rec, err)
	}
	return n.hello
}

// TestReplayedAndReordered: each entry is delivered once, in the author's order,
// however they come.
func TestReplayedAndReordered(t *testing.T) {
	a := start(t, t.TempDir())
	w := newWriter(t, newKey(t))
	sub := subscribe(t, join(t, a, w.topic))
	r := newRogue(t)
	r.link(a)
	items := w.chain(6)
	for range 3 {
		for _, i := range []int{2, 0, 1, 4, 3} {
			r.carry(a, items[i])
		}
	}
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		if m := nextItem(t, sub, text); m.Late {
			t.Errorf("%s is late", text)
		}
	}
	r.carry(a, items[0])
	r.carry(a, items[5])
	nextItem(t, sub, "6")
	if n, err := a.store.Stats(); err != nil || n.Items != 6 {
		t.Errorf("%d items are stored (%v)", n.Items, err)
	}
}

// forkAmong has a rogue bring items of one feed to a, which passes them on to b, and
// returns both readers, past the fork-free beginning.
func forkAmong(t *testing.T, w writer, bring []*protocol.Item) (nodes []*Node, subs []*Subscription) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	for _, n := range []*Node{a, b} {
		nodes = append(nodes, n)
		subs = append(subs, subscribe(t, join(t, n, w.topic)))
	}
	await(t, "neighbours", func() bool { st, err := a.Status(); return err == nil && st.Topics[0].Neighbours == 1 })
	r := newRogue(t)
	r.link(a)
	for _, it := range bring {
		r.carry(a, it)
		await(t, "the item on disk", func() bool { ok, err := b.store.Has(it.ID); return ok && err == nil })
	}
	return nodes, subs
}

// forkIn reads until a fork is reported.
func forkIn(t *testing.T, sub *Subscription) *Message {
	for {
		if m := next(t, sub); m.Kind == Fork {
			return m
		}
	}
}

// TestForkTwoItems: two items with one number are reported to every reader and
// counted once; the first stays the entry.
func TestForkTwoItems(t *testing.T) {
	w := newWriter(t, newKey(t))
	chain := w.chain(3)
	other := w.entry(2, chain[0].ID, "another 2")
	nodes, subs := forkAmong(t, w, []*protocol.Item{chain[0], chain[1], other, chain[2]})
	for i, sub := range subs {
		m := forkIn(t, sub)
		ids := map[protocol.ItemID]bool{m.ID: true, m.Other: true}
		if m.Seq != 2 || !ids[chain[1].ID] || !ids[other.ID] {
			t.Errorf("reader %d: %+v", i, m)
		}
		again := subscribe(t, sub.t, FromSeq(2))
		if m := forkIn(t, again); m.Seq != 2 {
			t.Errorf("reader %d, again: %+v", i, m)
		}
		nextItem(t, again, "2")
		nextItem(t, again, "3")
		if n := counted(nodes[i], "fork"); n != 1 {
			t.Errorf("reader %d: %d forks counted", i, n)
		}
	}
}

// TestForkByPrevious: an entry that names another predecessor than the one there is
// proves a fork as well.
func TestForkByPrevious(t *testing.T) {
	w := newWriter(t, newKey(t))
	chain := w.chain(2)
	hidden := w.entry(2, chain[0].ID, "hidden 2")
	third := w.entry(3, hidden.ID, "3")
	nodes, subs := forkAmong(t, w, []*protocol.Item{chain[0], chain[1], third})
	for i, sub := range subs {
		notices, end := nodes[i].Watch()
		defer end()
		m := forkIn(t, sub)
		ids := map[protocol.ItemID]bool{m.ID: true, m.Other: true}
		if m.Seq != 2 || !ids[chain[1].ID] || !ids[hidden.ID] {
			t.Errorf("reader %d: %+v", i, m)
		}
		if m := forkIn(t, subscribe(t, sub.t)); m.Seq != 2 {
			t.Errorf("second reader %d: %+v", i, m)
		}
		if n := counted(nodes[i], "fork"); n != 1 {
			t.Errorf("reader %d: %d forks counted", i, n)
		}
		n := <-notices
		for n.Kind != ForkSeen { // deliveries may still be on their way here
			n = <-notices
		}
		if n.Seq != 2 {
			t.Errorf("notice %+v", n)
		}
	}
}

// TestOwnFeedForked: that somebody else publishes with an own feed's key is worth a
// warning.
func TestOwnFeedForked(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	publish(t, mine, "one")
	notices, end := a.Watch()
	defer end()
	r := newRogue(t)
	r.link(a)
	w := newWriter(t, a.ownAuthor(mine.Owner()).key)
	r.carry(a, w.entry(1, protocol.ItemID{}, "stolen"))
	for n := range notices {
		if n.Kind == Warning {
			wantError(t, errorText(n.Text), nil, "your own feed", "key in one place")
			return
		}
	}
}

// errorText makes an error of a text.
type errorText string

func (e errorText) Error() string { return string(e) }

// rawPeer is a libp2p host that greets and then writes bytes of its own.
type rawPeer struct {
	host.Host
	t      testing.TB
	hello  []byte
	serial uint64
}

func newRawPeer(t testing.TB) *rawPeer {
	t.Helper()
	key := newKey(t)
	h, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	rec := gossipmembership.Record{Peer: h.ID(), Seq: 1}
	if err := rec.Sign(key); err != nil {
		t.Fatal(err)
	}
	h.SetStreamHandler(links.ProtocolID, func(s network.Stream) {
		_, _ = s.Read(make([]byte, 1<<16)) // its greeting; nothing more is of interest
	})
	return &rawPeer{Host: h, t: t, hello: rec.AppendTo(nil)}
}

// open opens a stream to a node and greets.
func (p *rawPeer) open(n *Node) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := peer.AddrInfoFromString(n.Addrs()[0])
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.Connect(ctx, *info); err != nil {
		return nil, err
	}
	s, err := p.NewStream(ctx, n.id, links.ProtocolID)
	if err != nil {
		return nil, err
	}
	p.serial++
	b := binary.BigEndian.AppendUint64(nil, 7) // epoch
	b = binary.BigEndian.AppendUint64(b, p.serial)
	b = append(append(b, make([]byte, 16)...), p.hello...)
	_, err = s.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return s, err
}

// write opens a stream, waits for the link, writes, and waits until the link is gone.
func (p *rawPeer) write(n *Node, b []byte) {
	p.t.Helper()
	s := p.linked(n)
	if _, err := s.Write(b); err != nil {
		p.t.Fatal(err)
	}
	_ = s.(io.Closer).Close()
	await(p.t, "the link to end", func() bool { return !hasLink(n, p.ID()) })
}

// linked opens streams until one has made a link: the first may go by a connection
// that the end of the link before is just closing.
func (p *rawPeer) linked(n *Node) io.Writer {
	p.t.Helper()
	ups := n.links.Counters().Ups
	for range 20 {
		s, err := p.open(n)
		for wait := 0; err == nil && wait < 100; wait++ {
			if n.links.Counters().Ups > ups {
				return s
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	p.t.Fatal("no link comes about")
	return nil
}

// TestFrameThatClaims2GB: nothing of the kind is awaited; the peer is charged, and
// refused when it keeps doing so.
func TestFrameThatClaims2GB(t *testing.T) {
	a := start(t, t.TempDir())
	p := newRawPeer(t)
	for i := range maxMalformed {
		p.write(a, append(binary.AppendUvarint(nil, 2<<30), make([]byte, 1000)...))
		if n := a.links.Counters().Malformed; n != uint64(i)+1 {
			t.Fatalf("%d malformed frames counted after %d", n, i+1)
		}
	}
	if a.gate.open(p.ID()) {
		t.Error("the peer is not refused")
	}
	_ = p.Network().ClosePeer(a.id)
	ups := a.links.Counters().Ups
	if s, err := p.open(a); err == nil { // the connection is refused after its handshake
		_ = s.SetReadDeadline(time.Now().Add(patience))
		if _, err := s.Read(make([]byte, 1)); err == nil {
			t.Error("it can still speak")
		}
	}
	if a.links.Counters().Ups != ups {
		t.Error("it has a link again")
	}
}

// TestTruncatedFrame: a stream that ends within a frame ends the link, is nobody's
// crime, and nothing of the frame is used.
func TestTruncatedFrame(t *testing.T) {
	a := start(t, t.TempDir())
	w := newWriter(t, newKey(t))
	topic := join(t, a, w.topic)
	items := w.chain(1)
	frame := protocol.AppendFrame(nil, topic.id, protocol.ObjectGossip, protocol.Carry{Item: items[0]})
	p := newRawPeer(t)
	p.write(a, append(binary.AppendUvarint(nil, uint64(len(frame))), frame[:len(frame)-1]...))
	if n := a.links.Counters().Malformed; n != 0 || counted(a, "core.invalid") != 0 || !a.gate.open(p.ID()) {
		t.Errorf("%d malformed frames, %d invalid items", n, counted(a, "core.invalid"))
	}
	if held, err := a.store.Has(items[0].ID); held || err != nil {
		t.Errorf("the item is stored (%v)", err)
	}
	r := newRogue(t)
	r.link(a)
	r.carry(a, items[0])
	nextItem(t, subscribe(t, topic), "1")
}
