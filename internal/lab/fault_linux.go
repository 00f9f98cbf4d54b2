package lab

import (
	"errors"
	"fmt"
	"time"
)

// PowerOff takes the host off the network and then kills its peer: nobody is told,
// as when a machine loses power. Compare [Peer.Kill].
func (h *Host) PowerOff() error {
	if p := h.Peer(); p != nil {
		// Asleep, so that it cannot use the moment in which its interface is gone.
		if err := p.Pause(); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	if err := h.Unplug(); err != nil {
		return err
	}
	h.killPeer()
	// What the kernel still has to say for the dead process must not be said
	// when the power is back.
	return h.Down()
}

// PowerOn brings the host back to the network. Its peer has to be started again.
func (h *Host) PowerOn() error {
	if err := h.Replug(); err != nil {
		return err
	}
	return h.Up()
}

// Unplug pulls the host's cables at these sites, all if none is named: the
// interfaces have no carrier, and keep their addresses.
func (h *Host) Unplug(sites ...string) error { return h.cable(sites, "down") }

// Replug puts the cables back.
func (h *Host) Replug(sites ...string) error { return h.cable(sites, "up") }

func (h *Host) cable(sites []string, state string) error {
	for _, n := range h.at(sites) {
		if err := n.site.ns.ip("link set " + n.port() + " " + state); err != nil {
			return err
		}
	}
	return nil
}

// Down takes the host's interfaces at these sites down, all if none is named:
// addresses and routes go with them.
func (h *Host) Down(sites ...string) error {
	for _, n := range h.at(sites) {
		if err := h.ns.ip("addr flush dev "+n.name+" scope global", "link set "+n.name+" down"); err != nil {
			return err
		}
	}
	return nil
}

// Up brings the interfaces back with the same addresses.
func (h *Host) Up(sites ...string) error {
	return h.locked(func() error {
		for _, n := range h.at(sites) {
			if err := n.configure(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Renumber gives the host other addresses of these sites, of all if none is named,
// and returns when the old ones are gone.
func (h *Host) Renumber(sites ...string) error {
	return h.locked(func() error {
		for _, n := range h.at(sites) {
			last := firstHost - 1
			for _, o := range n.site.nics {
				last = max(last, o.last)
			}
			if last >= lastHost {
				return fmt.Errorf("lab: site %s has no more addresses", n.site.Name)
			}
			n.last = last + 1
			if err := n.configure(); err != nil {
				return err
			}
		}
		return h.announce()
	})
}

// locked calls f with the lab's lock.
func (h *Host) locked(f func() error) error {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	return f()
}

// Renumber gives a site other public addresses: to a home's router, or to all
// hosts. Packets to the old ones get lost; flows through a NAT are forgotten.
func (l *Lab) Renumber(name string) error { return l.rebuild(l.site(name), func(*site) {}) }

// SetKind puts something else between a site and the others, and gives it other
// public addresses: a home moves to a provider without NAT, say.
func (l *Lab) SetKind(name string, kind Kind) error {
	s := l.site(name)
	changed := s.Site
	changed.Kind = kind
	if err := changed.check(); err != nil {
		return fmt.Errorf("lab: site %q: %w", name, err)
	}
	return l.rebuild(s, func(s *site) { s.Kind = kind })
}

// rebuild changes a site and gives it a number that nobody had.
func (l *Lab) rebuild(s *site, change func(*site)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := checkNumber(l.next); err != nil {
		return err
	}
	change(s)
	s.number = l.next
	l.next++
	s.moved = nil
	l.wan.renumber(s.index, s.number)
	if err := s.configure(); err != nil {
		return err
	}
	for _, n := range s.nics {
		if err := errors.Join(n.configure(), n.host.announce()); err != nil {
			return err
		}
	}
	return s.flushConntrack()
}

// maxMoved bounds the flows that one site's NAT has rebound: their ports come from
// a range of their own.
const (
	firstMoved = 10000
	maxMoved   = 20000
)

// Rebind makes the NAT of a site forget all flows, as if it had been started
// again, and give each source that was using it another public port than before.
// What comes to the old ports is dropped from then on.
func (l *Lab) Rebind(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.site(name)
	if !s.kind().Private() {
		return fmt.Errorf("lab: site %s has no NAT", name)
	}
	if k := s.kind(); k == FullCone || k == Restricted {
		return fmt.Errorf("lab: site %s: a NAT that is %s cannot be rebound: its ports are those of the hosts", name, k)
	}
	// A symmetric NAT draws another port by itself. One that preserves ports
	// would choose the same again: it is told another for each source.
	if s.kind() == Cone {
		flows, err := s.flows()
		if err != nil {
			return err
		}
		if err := s.move(flows); err != nil {
			return err
		}
		if err := s.ns.nft(s.rules()); err != nil {
			return err
		}
	}
	return s.flushConntrack()
}

// move gives each flow a new port.
func (s *site) move(flows []flow) error {
	for _, f := range flows {
		if s.ports >= maxMoved {
			return errors.New("lab: no ports are left to rebind to")
		}
		f.to = firstMoved + s.ports
		s.ports++
		known := false
		for i := range s.moved {
			if m := &s.moved[i]; m.proto == f.proto && m.src == f.src && m.port == f.port {
				m.to, known = f.to, true
			}
		}
		if !known {
			s.moved = append(s.moved, f)
		}
	}
	return nil
}

// SetMulticast has the switch of a site treat multicast in another way from now on:
// Flood or Block. (Whether it snoops is decided when it is built.)
func (l *Lab) SetMulticast(name string, m Multicast) error {
	s := l.site(name)
	if m == Snoop {
		return fmt.Errorf("lab: the switch of %s cannot begin to snoop", name)
	}
	s.Multicast = m
	return s.ns.nft(s.rules())
}

// Forget makes the NAT or firewall of a site forget all flows; a NAT that
// preserves ports will choose the same again.
func (l *Lab) Forget(name string) error { return l.site(name).flushConntrack() }

// SetLink changes what lies between two sites from now on; its Hops replace those
// between the paths. Packets under way are not affected, and may be overtaken.
func (l *Lab) SetLink(link Link) error {
	if err := link.check(); err != nil {
		return fmt.Errorf("lab: link of %s and %s: %w", link.A, link.B, err)
	}
	a, b := l.site(link.A), l.site(link.B)
	if a == b {
		return fmt.Errorf("lab: site %s has no link to itself", a.Name)
	}
	both := Network{Links: []Link{link}}
	l.wan.each(a.index, b.index, func(from, to *wanSite, lane *lane) {
		lane.set(l.wan, from, to, both.link(from.name, to.name))
	})
	return nil
}

// Cut parts two sites: nothing passes between them. Mend joins them again.
func (l *Lab) Cut(a, b string) { l.setCut(l.site(a), l.site(b), true) }

// Mend see Cut.
func (l *Lab) Mend(a, b string) { l.setCut(l.site(a), l.site(b), false) }

func (l *Lab) setCut(a, b *site, cut bool) {
	if a != b {
		l.wan.each(a.index, b.index, func(_, _ *wanSite, lane *lane) { lane.cut = cut })
	}
}

// Partition parts the named sites from all others, and leaves what is within
// either part.
func (l *Lab) Partition(names ...string) {
	inside := make(map[*site]bool)
	for _, n := range names {
		inside[l.site(n)] = true
	}
	for _, a := range l.sites {
		for _, b := range l.sites {
			if inside[a] && !inside[b] {
				l.setCut(a, b, true)
			}
		}
	}
}

// Restore undoes every Cut and Partition.
func (l *Lab) Restore() {
	for _, a := range l.sites {
		for _, b := range l.sites {
			l.setCut(a, b, false)
		}
	}
}

// RTT is what two sites are apart by their link: twice its delay.
func (l *Lab) RTT(a, b string) time.Duration {
	l.wan.mu.Lock()
	defer l.wan.mu.Unlock()
	i, j := l.site(a).index, l.site(b).index
	if i == j {
		return 0
	}
	return l.wan.sites[i].to[j].delay + l.wan.sites[j].to[i].delay
}
