package core

import (
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// A host all of whose neighbours have died at once, as in a kill of four fifths, has
// views whose members are mostly dead too, or behind NATs that let no dial through.
// What it still has is its address book: while no link speaks it dials from that, many
// at a time, and those that it can call by itself: there is nobody who could help it
// to punch.
const (
	// aloneEvery is the pause between two handfuls, aloneDials how many each has (our
	// guesses: dials of the dead take some seconds, and MaxDials fit at once).
	aloneEvery = 2 * time.Second
	aloneDials = 8
)

// alone reports whether no link speaks.
func (h *Host) alone() bool {
	for _, l := range h.links.order {
		if !l.live.suspected {
			return false
		}
	}
	return true
}

// ifAlone makes the host look into its book if it has lost the last link that spoke.
func (h *Host) ifAlone(now protocol.Time) {
	if h.aloneAt == protocol.Never && h.alone() {
		h.aloneAt = now.Add(aloneEvery)
	}
}

// advanceAlone dials some that the book knows while the host is alone.
func (h *Host) advanceAlone(now protocol.Time, out *protocol.Outbox) {
	if h.aloneAt > now {
		return
	}
	h.aloneAt = protocol.Never
	if !h.alone() {
		return
	}
	peers := h.book.Some(aloneDials, h.callable)
	if len(peers) == 0 {
		peers = h.book.Some(aloneDials, func(p protocol.PeerID) bool { return h.dialable(now, p) })
	}
	if len(peers) == 0 {
		return // nobody is known: somebody must come, or tell
	}
	h.aloneAt = now.Add(aloneEvery)
	h.tell(now, hostGroup, &h.viewing, gossipmembership.Candidates{Peers: peers})
	for _, p := range peers {
		if h.links.get(p) == nil && !h.dials.has(p) {
			h.startDial(now, p, out)
		}
	}
}
