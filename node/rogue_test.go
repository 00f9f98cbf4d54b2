package node

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// rogue is a peer under a test's own hands: it has links, and says on them what no
// Node would.
type rogue struct {
	*links.Manager
	t     testing.TB
	hello []byte

	mu     sync.Mutex
	up     map[protocol.PeerID]int
	down   map[protocol.PeerID]int
	failed map[protocol.PeerID]int
}

// newRogue starts a rogue.
func newRogue(t testing.TB) *rogue {
	t.Helper()
	key := newKey(t)
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &rogue{t: t, up: make(map[protocol.PeerID]int), down: make(map[protocol.PeerID]int), failed: make(map[protocol.PeerID]int)}
	rec := gossipmembership.Record{Peer: id, Seq: 1}
	if err := rec.Sign(key); err != nil {
		t.Fatal(err)
	}
	r.hello = rec.AppendTo(nil)
	begin := time.Now()
	r.Manager, err = links.New(links.Config{
		Identity: key, Listen: LoopbackListen[:1],
		Hello: func() []byte { return r.hello },
		Now:   func() protocol.Time { return protocol.Time(time.Since(begin)) },
	}, rogueHandler{r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	return r
}

func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// link makes a link to a node and waits until it is up on both sides.
func (r *rogue) link(n *Node) {
	r.t.Helper()
	before := r.count(r.up, n.id)
	r.Dial(n.id, n.links.Addrs())
	await(r.t, "the rogue's link", func() bool { return r.count(r.up, n.id) > before })
	await(r.t, "the node's link", func() bool { return n.links.Counters().Ups > 0 && hasLink(n, r.ID()) })
}

func hasLink(n *Node, p protocol.PeerID) bool {
	st, err := n.Status()
	for _, info := range st.Peers {
		if err == nil && info.ID == p {
			return true
		}
	}
	return false
}

// count reads one of the rogue's tallies.
func (r *rogue) count(tally map[protocol.PeerID]int, p protocol.PeerID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return tally[p]
}

// carry sends a node an item as gossip.
func (r *rogue) carry(n *Node, it *protocol.Item) {
	r.t.Helper()
	r.send(n, protocol.AppendFrame(nil, it.Topic, protocol.ObjectGossip, protocol.Carry{Item: it}))
}

// send sends a node a frame.
func (r *rogue) send(n *Node, frame []byte) {
	r.t.Helper()
	if !r.Send(n.id, protocol.Fresh, protocol.Never, frame, nil) {
		r.t.Fatal("the rogue has no link")
	}
}

// rogueHandler keeps the tallies.
type rogueHandler struct{ r *rogue }

func (h rogueHandler) add(tally map[protocol.PeerID]int, p protocol.PeerID) {
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	tally[p]++
}

func (h rogueHandler) Hello(protocol.PeerID, []byte) error          { return nil }
func (h rogueHandler) Up(l protocol.Link)                           { h.add(h.r.up, l.Peer) }
func (h rogueHandler) Down(p protocol.PeerID, _ string)             { h.add(h.r.down, p) }
func (h rogueHandler) DialFailed(p protocol.PeerID, _ string)       { h.add(h.r.failed, p) }
func (h rogueHandler) Congested(protocol.PeerID)                    {}
func (h rogueHandler) Drained(protocol.PeerID)                      {}
func (h rogueHandler) Dropped(protocol.PeerID, protocol.Class, any) {}
func (h rogueHandler) Found(protocol.PeerID, []string)              {}
func (h rogueHandler) AddrsChanged()                                {}
func (h rogueHandler) Frame(_ protocol.PeerID, b []byte, _ protocol.Time) {
	if _, err := protocol.ParseFrame(b); err != nil {
		h.r.t.Errorf("the node sent what is no frame: %v", err)
	}
}

// writer is the key of a feed whose entries a rogue brings.
type writer struct {
	t     testing.TB
	key   crypto.PrivKey
	topic string
}

func newWriter(t testing.TB, key crypto.PrivKey) writer {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writer{t, key, feed.TopicName(id)}
}

// entry signs an entry.
func (w writer) entry(seq uint64, prev protocol.ItemID, text string) *protocol.Item {
	w.t.Helper()
	it, err := feed.SignEntry(w.key, &feed.Entry{Type: feed.Post, Seq: seq, Prev: prev, Payload: []byte(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	return it
}

// chain signs entries 1 to n; the text of each is its number.
func (w writer) chain(n int) []*protocol.Item {
	var list []*protocol.Item
	var prev protocol.ItemID
	for i := range n {
		list = append(list, w.entry(uint64(i+1), prev, string(rune('1'+i))))
		prev = list[i].ID
	}
	return list
}
