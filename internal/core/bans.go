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

// charge is what one peer has on its account.
type charge struct {
	peer  protocol.PeerID
	count int
	until protocol.Time // when it is forgiven
}

// chargeTable counts misconduct by peer, not by link: hanging up clears no account.
// The one charged longest ago comes first.
type chargeTable struct{ list []charge }

// add charges a peer and returns how often it was, the charges being forgiven
// after d without a further one.
func (t *chargeTable) add(now protocol.Time, p protocol.PeerID, d time.Duration) int {
	c := charge{peer: p}
	t.list = slices.DeleteFunc(t.list, func(o charge) bool {
		if o.peer == p && o.until > now {
			c.count = o.count
		}
		return o.peer == p || o.until <= now
	})
	if len(t.list) >= MaxCharged {
		t.list = slices.Delete(t.list, 0, 1)
	}
	c.count++
	c.until = now.Add(d)
	t.list = append(t.list, c)
	return c.count
}

// clear wipes a peer's account.
func (t *chargeTable) clear(p protocol.PeerID) {
	t.list = slices.DeleteFunc(t.list, func(o charge) bool { return o.peer == p })
}

// charge counts misconduct against a peer, linked still or not, and refuses it for
// a while when there is too much.
func (h *Host) charge(now protocol.Time, p protocol.PeerID, out *protocol.Outbox) {
	if h.banned.has(now, p) || h.charged.add(now, p, h.cfg.BanFor) < h.cfg.InvalidLimit {
		return
	}
	const reason = "sent invalid items"
	h.charged.clear(p)
	h.banned.add(now, p, h.cfg.BanFor)
	out.Add(Ban{Peer: p, For: h.cfg.BanFor, Reason: reason})
	if h.links.get(p) != nil {
		h.closeLink(now, p, reason, out)
	}
}
