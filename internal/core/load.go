package core

import "github.com/quilt-p2p/quilt/protocol"

// payer is whose room an item takes up until it is on disk: the peer's that brought it
// over a link, or the source's that it was heard from.
type payer struct {
	peer   protocol.PeerID // empty for what was heard
	source protocol.Source
}

func payerOf(a protocol.Arrive) payer {
	if a.Source != (protocol.Source{}) {
		return payer{source: a.Source}
	}
	return payer{peer: a.From}
}

func (p payer) heard() bool { return p.source != (protocol.Source{}) }

// load is what one payer has that is between arrival and disk.
type load struct{ items, bytes int }

// loads shares the room between arrival and disk out among peers: by peer, not by
// link, for what an old link brought takes up its room still. All sources of an
// interface together have no more than one peer, for whoever forges packets can
// forge their addresses too.
type loads struct {
	byPeer map[payer]load // those with any; for lookup only
	bytes  int
}

func newLoads() loads { return loads{byPeer: make(map[payer]load)} }

// account is the payer under which a load is kept.
func (p payer) account() payer {
	return payer{peer: p.peer, source: protocol.Source{NIC: p.source.NIC}}
}

// fits reports whether there is room for an item of a payer.
func (ls *loads) fits(p payer, it *protocol.Item) bool {
	l := ls.byPeer[p.account()]
	return l.items < MaxPendingPerLink && l.bytes+len(it.Bytes) <= MaxPendingBytesPerLink &&
		ls.bytes+len(it.Bytes) <= MaxPendingBytes
}

// add takes up room.
func (ls *loads) add(p payer, it *protocol.Item) {
	l := ls.byPeer[p.account()]
	ls.byPeer[p.account()] = load{l.items + 1, l.bytes + len(it.Bytes)}
	ls.bytes += len(it.Bytes)
}

// remove gives it back.
func (ls *loads) remove(p payer, it *protocol.Item) {
	l := ls.byPeer[p.account()]
	if l.items <= 1 {
		delete(ls.byPeer, p.account())
	} else {
		ls.byPeer[p.account()] = load{l.items - 1, l.bytes - len(it.Bytes)}
	}
	ls.bytes -= len(it.Bytes)
}
