package core

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/protocol"
)

// link is one link that is up.
type link struct {
	due  protocol.Time // the deadline or earlier: see linkTable.sooner
	live liveness
	protocol.Link
	since    protocol.Time
	lingerAt protocol.Time     // when to close it for want of use; Never while used
	asked    []protocol.PeerID // who was asked whether they hear it and has not answered
	askers   []protocol.PeerID // who waits to hear whether the peer lives; at most maxAskers
	walks    walks             // finds that came by it
	finds    bucket            // finds it may have us handle
	asks     bucket            // and asks
	whos     bucket            // and questions for receipts
}

// newLink returns a link that is up from now on.
func newLink(now protocol.Time, l protocol.Link, rng *rand.Rand) *link {
	n := &link{
		Link: l, live: newLiveness(now, l.RTT, rng), since: now, lingerAt: protocol.Never,
		finds: newBucket(now, walkRate, walkBurst),
		asks:  newBucket(now, askRate, askBurst),
		whos:  newBucket(now, whoRate, whoBurst),
	}
	n.due = n.deadline()
	return n
}

// deadline is when the link next wants attention.
func (l *link) deadline() protocol.Time { return min(l.live.deadline(), l.lingerAt) }

// linkTable holds the links that are up, looked up by peer, walked in order of
// peer so that nothing depends on a map's order.
type linkTable struct {
	order []*link
	// keys are the ends of the peers' IDs, in the same order: there are at most
	// MaxLinks, and to look through them takes less than a map.
	keys []uint64
	// due is the earliest of all links' deadlines, or earlier: what is heard moves
	// one later, and to look at all links each time would cost more than to wake up
	// in vain about once a second and link.
	due protocol.Time
}

func newLinkTable() linkTable {
	return linkTable{due: protocol.Never}
}

// sooner notes that a link's deadline may have come nearer.
func (t *linkTable) sooner(l *link) {
	l.due = min(l.due, l.deadline())
	t.due = min(t.due, l.due)
}

// later makes due exact for the links that are due at now.
func (t *linkTable) later(now protocol.Time) {
	t.due = protocol.Never
	for _, l := range t.order {
		if l.due <= now {
			l.due = l.deadline()
		}
		t.due = min(t.due, l.due)
	}
}

// get returns the link to a peer, nil for none.
func (t *linkTable) get(p protocol.PeerID) *link {
	key := keyOf(p)
	for i, k := range t.keys {
		if k == key && t.order[i].Peer == p {
			return t.order[i]
		}
	}
	return nil
}

// keyOf is the end of a peer's ID, where IDs differ most.
func keyOf(p protocol.PeerID) (key uint64) {
	for i := max(0, len(p)-8); i < len(p); i++ {
		key = key<<8 | uint64(p[i])
	}
	return key
}

// put adds a link.
func (t *linkTable) put(l *link) {
	i, _ := slices.BinarySearchFunc(t.order, l.Peer, byLinkPeer)
	t.order = slices.Insert(t.order, i, l)
	t.keys = slices.Insert(t.keys, i, keyOf(l.Peer))
	t.due = min(t.due, l.due)
}

// remove takes a link out and returns it, nil for none.
func (t *linkTable) remove(p protocol.PeerID) *link {
	l := t.get(p)
	if l == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(t.order, p, byLinkPeer)
	t.order = slices.Delete(t.order, i, i+1)
	t.keys = slices.Delete(t.keys, i, i+1)
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
