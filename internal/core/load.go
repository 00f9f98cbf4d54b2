package core

import "github.com/quilt-p2p/quilt/protocol"

// load is what one peer has brought that is between arrival and disk.
type load struct{ items, bytes int }

// loads shares the room between arrival and disk out among peers: by peer, not by
// link, for what an old link brought takes up its room still.
type loads struct {
	byPeer map[protocol.PeerID]load // those with any; for lookup only
	bytes  int
}

func newLoads() loads { return loads{byPeer: make(map[protocol.PeerID]load)} }

// fits reports whether there is room for an item from a peer.
func (ls *loads) fits(p protocol.PeerID, it *protocol.Item) bool {
	l := ls.byPeer[p]
	return l.items < MaxPendingPerLink && l.bytes+len(it.Bytes) <= MaxPendingBytesPerLink &&
		ls.bytes+len(it.Bytes) <= MaxPendingBytes
}

// add takes up room.
func (ls *loads) add(p protocol.PeerID, it *protocol.Item) {
	l := ls.byPeer[p]
	ls.byPeer[p] = load{l.items + 1, l.bytes + len(it.Bytes)}
	ls.bytes += len(it.Bytes)
}

// remove gives it back.
func (ls *loads) remove(p protocol.PeerID, it *protocol.Item) {
	l := ls.byPeer[p]
	if l.items <= 1 {
		delete(ls.byPeer, p)
	} else {
		ls.byPeer[p] = load{l.items - 1, l.bytes - len(it.Bytes)}
	}
	ls.bytes -= len(it.Bytes)
}
