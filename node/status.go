package node

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// PeerInfo describes a linked peer.
type PeerInfo struct {
	ID        protocol.PeerID
	Addr      string
	Outbound  bool
	Suspected bool
	// Relayed is set where a third peer passes on what is said.
	Relayed bool
	RTT     time.Duration
	Since   time.Time
	// Topics in which it is a neighbour.
	Topics            []string
	BytesIn, BytesOut uint64
}

// Status is the state of the peer.
type Status struct {
	ID     protocol.PeerID
	Home   string
	Addrs  []string
	Uptime time.Duration
	Peers  []PeerInfo
	Known  int // peers in the address book
	Topics []TopicStatus
	Store  store.Stats
	// StoreFull is set while the disk, or the store's limit, leaves no room;
	// StoreLimit is that limit in bytes, 0 for none.
	StoreFull  bool
	StoreLimit int64
	// LargeBytes is what large files take, LargeLimit what they may.
	LargeBytes, LargeLimit int64
	Traffic                links.Counters
	Traversal              Traversal
	Counters               []Counter
}

// TopicStatus is the state of one topic.
type TopicStatus struct {
	Name       string
	Owner      protocol.PeerID
	Neighbours int
	Readers    int
	Stats      core.TopicStats
	// Objects holds what each protocol object says of itself.
	Objects map[protocol.ObjectID]any
}

// Status describes what the peer does; it is the material of `status`, `peers`
// and `why`.
func (n *Node) Status() (Status, error) {
	s := Status{ID: n.id, Home: n.home, Addrs: n.Addrs(), Uptime: time.Since(n.started), Counters: n.Counters()}
	var info core.Info
	if !n.look(func(now protocol.Time, h *core.Host) { info = h.Explain(now) }) {
		return s, ErrClosed
	}
	s.Known = info.Known
	s.StoreFull, s.StoreLimit = n.full.Load(), n.cfg.maxStore
	s.LargeBytes, s.LargeLimit = n.vault.Used(), n.vault.Quota()
	s.Traffic, s.Traversal = n.links.Counters(), n.links.Traversal()
	s.Traversal.Role = n.env.currentRole()
	s.Peers = n.peers(info)
	for _, t := range info.Topics {
		ts := TopicStatus{Name: t.Name, Neighbours: len(t.Neighbours), Stats: t.Stats, Objects: t.Objects}
		n.mu.Lock()
		if mine := n.topics[t.ID]; mine != nil {
			ts.Owner, ts.Readers = mine.owner, mine.readers()
		}
		n.mu.Unlock()
		s.Topics = append(s.Topics, ts)
	}
	var err error
	s.Store, err = n.store.Stats()
	return s, err
}

// peers joins what the core and the links know of each link.
func (n *Node) peers(info core.Info) []PeerInfo {
	socket := make(map[protocol.PeerID]links.Peer)
	for _, p := range n.links.Peers() {
		socket[p.Link.Peer] = p
	}
	var list []PeerInfo
	for _, l := range info.Links {
		p := socket[l.Peer]
		pi := PeerInfo{ID: l.Peer, Addr: p.Addr, Outbound: l.Outbound, Suspected: l.Suspected, Relayed: l.Relayed, RTT: l.RTT,
			Since: p.Since, BytesIn: p.Counters.BytesIn, BytesOut: p.Counters.BytesOut}
		for _, id := range l.Groups {
			n.mu.Lock()
			if t := n.topics[id]; t != nil {
				pi.Topics = append(pi.Topics, t.name)
			}
			n.mu.Unlock()
		}
		list = append(list, pi)
	}
	return list
}

// readers counts the subscriptions.
func (t *Topic) readers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.wakes)
}

// Held says which entries of a feed are stored.
func (n *Node) Held(address string) (store.Holdings, error) {
	owner, ok := feed.Owner(address)
	if !ok {
		return store.Holdings{}, fmt.Errorf("%w: %q", ErrBadAddress, address)
	}
	return n.store.Holdings(protocol.TopicOf(address), owner)
}
