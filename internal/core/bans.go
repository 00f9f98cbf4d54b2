package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// ban is one peer refused for a while.
type ban struct {
	peer  protocol.PeerID
	until protocol.Time
}

// banTable holds the peers refused for a while, oldest first.
type banTable struct{ list []ban }

// has reports whether the peer is refused at now.
func (t *banTable) has(now protocol.Time, p protocol.PeerID) bool {
	return slices.ContainsFunc(t.list, func(b ban) bool { return b.peer == p && now < b.until })
}

// add refuses a peer for d.
func (t *banTable) add(now protocol.Time, p protocol.PeerID, d time.Duration) {
	t.list = slices.DeleteFunc(t.list, func(b ban) bool { return b.peer == p || b.until <= now })
	if len(t.list) >= MaxBanned {
		t.list = slices.Delete(t.list, 0, 1)
	}
	t.list = append(t.list, ban{p, now.Add(d)})
}

// charge counts an invalid item against the link it came by, and ends the link
// when there are too many.
func (h *Host) charge(now protocol.Time, p protocol.PeerID, out *protocol.Outbox) {
	l := h.links.get(p)
	if l == nil {
		return
	}
	l.invalid++
	if l.invalid < h.cfg.InvalidLimit {
		return
	}
	h.banned.add(now, p, h.cfg.BanFor)
	out.Add(Ban{Peer: p, For: h.cfg.BanFor, Reason: "sent invalid items"})
	h.closeLink(now, p, "sent invalid items", out)
}
