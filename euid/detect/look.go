package detect

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

// look lists the interfaces, and begins anew on those that have moved.
func (l *loop) look(now time.Time) error {
	all, err := l.d.cfg.System.Interfaces()
	if err != nil {
		return err
	}
	chosen, skipped := choose(all)
	l.skipped, l.dirty = skipped, true
	l.nics = slices.DeleteFunc(l.nics, func(n *nic) bool {
		gone := !slices.ContainsFunc(chosen, func(i Interface) bool { return i.Index == n.ifc.Index })
		if gone {
			l.drop(n)
		}
		return gone
	})
	l.findResolvers(now)
	for _, i := range chosen {
		k := slices.IndexFunc(l.nics, func(n *nic) bool { return n.ifc.Index == i.Index })
		switch {
		case k < 0:
			l.add(now, i)
		case moved(&l.nics[k].ifc, &i):
			l.move(now, l.nics[k], i)
		case !l.nics[k].ifc.equal(&i):
			l.outside.forget(&l.nics[k].ifc, &i)
			l.nics[k].ifc = i
		}
	}
	return nil
}

// moved reports whether an interface is at another place: in another network, or with
// another way out. A new address in the same network is no such thing: IPv6 has one
// every day.
func moved(a, b *Interface) bool {
	return a.Name != b.Name || a.Multicast != b.Multicast || a.hasLinkLocal() != b.hasLinkLocal() ||
		!sameNetwork(a, b, euid.IPv4) || !sameNetwork(a, b, euid.IPv6)
}

// sameNetwork reports whether an interface is in the same networks of a family as
// before, with the same way out.
func sameNetwork(a, b *Interface, f euid.Family) bool {
	return a.Default[f] == b.Default[f] && a.Gateway[f] == b.Gateway[f] && slices.Equal(networks(a, f), networks(b, f))
}

func networks(i *Interface, f euid.Family) (list []netip.Prefix) {
	for _, p := range i.Addrs {
		if familyOf(p.Addr()) == f && !p.Addr().IsLinkLocalUnicast() {
			list = append(list, p.Masked())
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return slices.Compact(list)
}

// add begins to look at an interface.
func (l *loop) add(now time.Time, i Interface) {
	n := &nic{id: l.newID()}
	l.nics = append(l.nics, n)
	slices.SortFunc(l.nics, func(a, b *nic) int { return int(a.id) - int(b.id) })
	l.begin(now, n, i)
}

// newID numbers an interface: not soon again with the number of one that is gone.
func (l *loop) newID() protocol.NIC {
	for {
		l.lastID++
		if l.lastID != 0 && l.find(l.lastID) == nil {
			return l.lastID
		}
	}
}

// move begins anew with an interface that is at another place.
func (l *loop) move(now time.Time, n *nic, i Interface) {
	l.outside.forget(&n.ifc, &i)
	n.cancel()
	l.begin(now, n, i)
}

// begin starts a generation: of the one before nothing counts.
func (l *loop) begin(now time.Time, n *nic, i Interface) {
	*n = nic{id: n.id, gen: n.gen + 1, ifc: i, settled: now.Add(firstReport), begun: now,
		told: n.told, euid: n.euid, known: n.known}
	n.ctx, n.cancel = context.WithCancel(l.ctx)
	l.askPause = 0
	l.trace(now, n)
	l.listen(n)
}

// drop ends with an interface that is gone.
func (l *loop) drop(n *nic) {
	n.cancel()
	l.outside.forget(&n.ifc, &Interface{})
	l.pending = slices.DeleteFunc(l.pending, func(id protocol.NIC) bool { return id == n.id })
	if n.known {
		l.pending = append(l.pending, n.id)
	}
}

// findResolvers reads who resolves names, and traces anew where that has changed.
func (l *loop) findResolvers(now time.Time) {
	r := findResolvers(l.d.cfg.System.ReadFile)
	same := slices.Equal(r.list, l.resolvers.list)
	l.resolvers = r
	if same {
		return
	}
	l.dirty = true
	for _, n := range l.nics {
		l.trace(now, n)
	}
}
