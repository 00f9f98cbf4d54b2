package node

import (
	"strings"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// NoticeKind tells what a Notice is about.
type NoticeKind uint8

// The kinds.
const (
	// PeerUp and PeerDown: a link has come up, or gone.
	PeerUp NoticeKind = iota
	PeerDown
	// Stored: somebody else's item came and is on disk.
	Stored
	// OwnStored: an item of this host's own is on disk.
	OwnStored
	// ForkSeen: an author has signed two different chains.
	ForkSeen
	// Warning: something wants a person's attention.
	Warning
)

// Notice is something that happened, for a person who watches. It is news, not an
// account: a watcher that is too slow misses some.
type Notice struct {
	Kind  NoticeKind
	Time  time.Time
	Peer  protocol.PeerID
	Topic string
	Item  protocol.ItemID
	Other protocol.ItemID // ForkSeen: the second item
	Seq   uint64
	Text  string
	// Repaired: the item came because it had been missed, not by the fast path.
	Repaired bool
}

// maxNotices bounds the notices that wait for one watcher; further ones are lost
// to it (our guess).
const maxNotices = 256

// noticeHub hands notices to watchers.
type noticeHub struct {
	mu       sync.Mutex
	watchers map[chan Notice]struct{}
	warned   map[string]time.Time
	closed   bool
}

// Watch returns a channel of notices from now on, closed with the node, and a
// function that ends it.
func (n *Node) Watch() (<-chan Notice, func()) {
	h := &n.notices
	c := make(chan Notice, maxNotices)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(c)
		return c, func() {}
	}
	if h.watchers == nil {
		h.watchers = make(map[chan Notice]struct{})
	}
	h.watchers[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, ok := h.watchers[c]; ok {
			delete(h.watchers, c)
			close(c)
		}
	}
}

// send hands a notice to all watchers with room.
func (h *noticeHub) send(notice Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sendLocked(notice)
}

func (h *noticeHub) sendLocked(notice Notice) {
	notice.Time = time.Now()
	for c := range h.watchers {
		select {
		case c <- notice:
		default:
		}
	}
}

// warnOnce warns about one thing at most once a minute.
func (h *noticeHub) warnOnce(what, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last, ok := h.warned[what]; ok && time.Since(last) < time.Minute {
		return
	}
	if h.warned == nil {
		h.warned = make(map[string]time.Time)
	}
	h.warned[what] = time.Now()
	h.sendLocked(Notice{Kind: Warning, Text: text})
}

// close ends all watching.
func (h *noticeHub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.watchers {
		delete(h.watchers, c)
		close(c)
	}
}

// noticeItem tells of an item on disk.
func (n *Node) noticeItem(t *Topic, e protocol.Deliver) {
	kind := Stored
	if e.From == "" {
		kind = OwnStored
	}
	n.notices.send(Notice{Kind: kind, Peer: e.From, Topic: t.name, Item: e.Item.ID, Seq: e.Item.Seq, Repaired: e.Repaired})
}

// event counts what the core reports, and tells of what a person wants to know.
func (n *Node) event(e protocol.Event) {
	name, detail, _ := strings.Cut(e.Name, ": ")
	n.count(name, 1)
	switch name {
	case "core.link-up":
		n.rememberSoon()
		n.notices.send(Notice{Kind: PeerUp, Peer: e.Peer})
	case "core.link-down":
		n.notices.send(Notice{Kind: PeerDown, Peer: e.Peer, Text: detail})
	}
}
