package ipmc

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Who is cut off from the group, or has no multicast at all, publishes by gossip, and
// its neighbours on the group are the only ones that get it that way. So one of them
// brings the item to the group. Each waits for a random moment, as with a question;
// who hears it on the group meanwhile leaves it at that.

// bringAfter is for how long at least an item that came by gossip is waited for on the
// group (our guess: its publisher may only be deaf, and have sent it there too).
const bringAfter = 20 * time.Millisecond

// brought is an item about to be brought to the group.
type brought struct {
	item *protocol.Item
	due  protocol.Time
}

// bringer is the items about to be brought, by due time.
type bringer struct{ list []brought }

func (b *bringer) due() protocol.Time {
	if len(b.list) == 0 {
		return protocol.Never
	}
	return b.list[0].due
}

// drop forgets an item: it is on the group.
func (b *bringer) drop(id protocol.ItemID) {
	if i := slices.IndexFunc(b.list, func(e brought) bool { return e.item.ID == id }); i >= 0 {
		b.list = slices.Delete(b.list, i, i+1)
	}
}

// bring takes an item that came by gossip.
func (m *Machine) bring(now protocol.Time, it *protocol.Item, out *protocol.Outbox) {
	switch {
	case !m.cfg.Standby || !m.health.told:
		return // nobody would hear it
	case len(m.bringing.list) == MaxBrought:
		m.stats.Full++
		out.Note("ipmc.bring-full", "", it.ID, MaxBrought)
		return
	}
	e := brought{it, now.Add(bringAfter + m.slot())}
	i, _ := slices.BinarySearchFunc(m.bringing.list, e, func(a, b brought) int { return int(a.due - b.due) })
	m.bringing.list = slices.Insert(m.bringing.list, i, e)
}

// bringDue brings what nobody has brought.
func (m *Machine) bringDue(now protocol.Time, out *protocol.Outbox) {
	for m.bringing.due() <= now {
		it := m.bringing.list[0].item
		m.bringing.list = slices.Delete(m.bringing.list, 0, 1)
		m.stats.Brought++
		m.publish(now, it, out)
	}
}
