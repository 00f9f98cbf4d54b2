package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// dialPatience is after which time without an answer from the driver a dial
// counts as failed; drivers give up well before (our guess).
const dialPatience = 20 * time.Second

// dial is a dial under way or, with until Never, waiting for its turn.
type dial struct {
	peer  protocol.PeerID
	until protocol.Time
}

// dialTable holds dials in the order they were asked for, at most MaxDials of
// them under way.
type dialTable struct{ list []dial }

func (t *dialTable) index(p protocol.PeerID) int {
	return slices.IndexFunc(t.list, func(d dial) bool { return d.peer == p })
}

func (t *dialTable) has(p protocol.PeerID) bool { return t.index(p) >= 0 }

func (t *dialTable) remove(p protocol.PeerID) bool {
	i := t.index(p)
	if i >= 0 {
		t.list = slices.Delete(t.list, i, i+1)
	}
	return i >= 0
}

// cancel takes a dial out that still waits for its turn.
func (t *dialTable) cancel(p protocol.PeerID) {
	if i := t.index(p); i >= 0 && t.list[i].until == protocol.Never {
		t.list = slices.Delete(t.list, i, i+1)
	}
}

// active is how many dials are under way.
func (t *dialTable) active() (n int) {
	for _, d := range t.list {
		if d.until != protocol.Never {
			n++
		}
	}
	return n
}

func (t *dialTable) deadline() protocol.Time {
	first := protocol.Never
	for _, d := range t.list {
		first = min(first, d.until)
	}
	return first
}

// startDial dials a peer, or queues the dial.
func (h *Host) startDial(now protocol.Time, p protocol.PeerID, out *protocol.Outbox) {
	if len(h.dials.list) >= MaxDials+MaxDialQueue || h.banned.has(now, p) {
		h.dialEnded(now, p, "not dialled: too many dials wait, or the peer is refused")
		return
	}
	if !h.dialable(now, p) {
		h.dialEnded(now, p, "not dialled: by what both say of their NATs no dial gets through")
		return
	}
	h.dials.list = append(h.dials.list, dial{peer: p, until: protocol.Never})
	h.pumpDials(now, out)
}

// dialBook is the address book as views see it: it knows whom this host can dial.
type dialBook struct {
	*gossipmembership.SimpleBook
	host *Host
}

// Dialable implements gossipmembership.Book. Whom a relay leads to is worth to be
// known: when nobody else is left, that way will do.
func (b dialBook) Dialable(p protocol.PeerID) bool {
	return b.host.passes(p, reaches) || b.host.relayed(p)
}

// dialable reports whether a dial of a peer can get through at all, by the environments
// of both: what cannot would only take the time of one that can, and most hosts are
// behind a NAT. What is unknown is tried, and what seems to be on one's own LAN, behind
// the same NAT, where private addresses serve.
func (h *Host) dialable(now protocol.Time, p protocol.PeerID) bool {
	return h.passes(p, reaches) || h.relayed(p) && h.relayWillDo(now, p)
}

// callable reports the same of a dial that nobody helps with.
func (h *Host) callable(p protocol.PeerID) bool { return h.passes(p, calls) }

// passes reports whether some of the peer's environments can be dialled from one of
// this host's.
func (h *Host) passes(p protocol.PeerID, through func(from, to euid.EUID, caps uint64) bool) bool {
	rec, known := h.book.Record(p)
	if !known || len(rec.EUIDs) == 0 || len(h.nics.list) == 0 {
		return true
	}
	for _, theirs := range rec.EUIDs {
		to, err := euid.Parse(theirs)
		if err != nil {
			return true // of another version, perhaps
		}
		for _, nic := range h.nics.list {
			from, err := euid.Parse(nic.EUID)
			if err != nil || through(from, to, rec.Caps) || euid.ClosenessOf(from, to) >= euid.SharedRouter(1) {
				return true
			}
		}
	}
	return false
}

// pumpDials starts dials that wait while there is room.
func (h *Host) pumpDials(now protocol.Time, out *protocol.Outbox) {
	for room := MaxDials - h.dials.active(); room > 0; {
		i := slices.IndexFunc(h.dials.list, func(d dial) bool { return d.until == protocol.Never })
		if i < 0 {
			return
		}
		p := h.dials.list[i].peer
		addrs := h.book.Addrs(p)
		if len(addrs) == 0 {
			h.dials.remove(p)
			h.dialEnded(now, p, "no address is known")
			continue
		}
		h.dials.list[i].until = now.Add(dialPatience)
		out.Add(Dial{Peer: p, Addrs: addrs, Relayed: h.relayWillDo(now, p)})
		room--
	}
}

// dialFailed takes the driver's word that a dial came to nothing.
func (h *Host) dialFailed(now protocol.Time, in protocol.DialFailed, out *protocol.Outbox) {
	if h.dials.remove(in.Peer) && h.links.get(in.Peer) == nil {
		h.book.Failed(in.Peer, now)
		h.dialEnded(now, in.Peer, in.Reason)
	}
	h.pumpDials(now, out)
}

// advanceDials gives up what the driver has not answered.
func (h *Host) advanceDials(now protocol.Time, out *protocol.Outbox) {
	for _, d := range slices.Clone(h.dials.list) {
		if d.until <= now {
			h.dialFailed(now, protocol.DialFailed{Peer: d.peer, Reason: "no answer"}, out)
		}
	}
	h.pumpDials(now, out)
}

// dialEnded tells the groups that want a link that there will be none.
func (h *Host) dialEnded(now protocol.Time, p protocol.PeerID, reason string) {
	groups := h.claims[p]
	delete(h.claims, p)
	in := protocol.DialFailed{Peer: p, Reason: reason}
	for _, g := range groups {
		if g == hostGroup {
			h.tell(now, hostGroup, &h.viewing, in)
		} else if t := h.topics.get(g); t != nil {
			h.tell(now, t.id, &t.viewing, in)
		}
	}
	h.holdEnded(now, p, in)
}
