package core

import (
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/protocol"
)

// link is one link that is up. A host has dozens: what few of them need they have for as
// long as they need it.
type link struct {
	slot int // its place in the table
	live liveness
	protocol.Link
	since    protocol.Time
	lingerAt protocol.Time // when to close it for want of use; Never while used
	reliers  []holder      // objects that depend on it
	doubt    *doubt        // nil while nobody asks whether the peer lives
	walks    walks         // finds that came by it
	finds    bucket        // finds it may have us handle
	asks     bucket        // and asks
	whos     bucket        // and questions for receipts
}

// doubt is who asks whether the peer of a link lives.
type doubt struct {
	asked  []protocol.PeerID // who was asked whether they hear it and has not answered
	askers []protocol.PeerID // who waits to hear whether it lives; at most MaxAskers
}

// doubts returns the link's doubt, a new one where there is none.
func (l *link) doubts() *doubt {
	if l.doubt == nil {
		l.doubt = new(doubt)
	}
	return l.doubt
}

// newLink returns a link of this host, self, that is up from now on.
func newLink(now protocol.Time, self protocol.PeerID, l protocol.Link) *link {
	return &link{
		Link: l, live: newLiveness(now, l.RTT, l.Peer < self), since: now, lingerAt: protocol.Never,
	}
}

// deadline is when the link next wants attention.
func (l *link) deadline() protocol.Time { return min(l.live.deadline(), l.lingerAt) }

// linkTable holds the links that are up, looked up by peer, walked in order of
// peer so that nothing depends on a map's order.
type linkTable struct {
	order []*link
	// index has a line a link, in the same order: to find a link, or the one that is
	// due next, is to look through a few words that lie side by side. There are at
	// most MaxLinks, and this takes less than a map.
	index []linkLine
	due   protocol.Time // the earliest in index, unless stale
	stale bool
}

// linkLine is what one looks for in a link. The key is the end of the peer's ID: most
// lines are passed over by it alone.
type linkLine struct {
	key  uint64
	due  protocol.Time
	peer protocol.PeerID
	link *link
}

func newLinkTable() linkTable {
	return linkTable{due: protocol.Never}
}

// moved notes that a link's deadline may have changed. A link that is up no longer
// has none.
func (t *linkTable) moved(l *link) {
	if l.slot < len(t.order) && t.order[l.slot] == l {
		t.index[l.slot].due = l.deadline()
		t.stale = true
	}
}

// deadline is the earliest of all links.
func (t *linkTable) deadline() protocol.Time {
	if t.stale {
		t.stale, t.due = false, protocol.Never
		for i := range t.index {
			t.due = min(t.due, t.index[i].due)
		}
	}
	return t.due
}

// number tells the links their places from one on.
func (t *linkTable) number(from int) {
	for i := from; i < len(t.order); i++ {
		t.order[i].slot = i
	}
	t.stale = true
}

// get returns the link to a peer, nil for none.
func (t *linkTable) get(p protocol.PeerID) *link {
	key := protocol.KeyOf(p)
	for i := range t.index {
		if t.index[i].key == key && t.index[i].peer == p {
			return t.index[i].link
		}
	}
	return nil
}

// put adds a link.
func (t *linkTable) put(l *link) {
	i, _ := slices.BinarySearchFunc(t.order, l.Peer, byLinkPeer)
	t.order = slices.Insert(t.order, i, l)
	t.index = slices.Insert(t.index, i, linkLine{protocol.KeyOf(l.Peer), l.deadline(), l.Peer, l})
	t.number(i)
}

// remove takes a link out and returns it, nil for none.
func (t *linkTable) remove(p protocol.PeerID) *link {
	l := t.get(p)
	if l == nil {
		return nil
	}
	i := l.slot
	t.order = slices.Delete(t.order, i, i+1)
	t.index = slices.Delete(t.index, i, i+1)
	t.number(i)
	return l
}

// inbound is how many links others have dialled.
func (t *linkTable) inbound() (n int) {
	for _, l := range t.order {
		if !l.Outbound {
			n++
		}
	}
	return n
}

func byLinkPeer(l *link, p protocol.PeerID) int {
	return strings.Compare(string(l.Peer), string(p))
}
