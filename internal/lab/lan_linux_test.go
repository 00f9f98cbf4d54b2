package lab

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

var (
	group4 = netip.MustParseAddr("239.255.71.1")
	group6 = netip.MustParseAddr("ff15::7101")
)

// join makes a socket a member of the groups that its host's family has.
func join(s *socket) {
	s.t.Helper()
	err := s.host.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if s.host.nics[0].site.family().Has4() {
			// A dual-stack socket can be a member of IPv4 groups too.
			if err := ipv4.NewPacketConn(s).JoinGroup(eth0, &net.UDPAddr{IP: group4.AsSlice()}); err != nil {
				return err
			}
		}
		return ipv6.NewPacketConn(s).JoinGroup(eth0, &net.UDPAddr{IP: group6.AsSlice()})
	})
	if err != nil {
		s.t.Fatalf("%s joins: %v", s.host.name, err)
	}
}

// TestMulticast: heard by every member on the LAN once, on the wire once, and by
// nobody elsewhere; and not at all where the switch blocks it.
func TestMulticast(t *testing.T) {
	l := seven(t)
	l.SetLink(Link{A: "dc1", B: "home1"})
	member := func(name string) *socket {
		s := open(t, l, name, 7101)
		join(s)
		return s
	}
	for _, c := range []struct {
		from, near, far string
		group           netip.Addr
		heard           bool
	}{
		{"a1", "a2", "b1", group4, true},
		{"b1", "b2", "a1", group6, true},
		{"c1", "c2", "a1", group4, true},
		{"d1", "d2", "a1", group4, true},
		{"e1", "e2", "a1", group4, false},
		{"g1", "g2", "b1", group6, true},
	} {
		from, near, far := member(c.from), member(c.near), member(c.far)
		wire, err := l.Capture(from.host.Site(), nil)
		if err != nil {
			t.Fatal(err)
		}
		to := netip.AddrPortFrom(c.group, 7101)
		if c.group.Is6() {
			to = netip.AddrPortFrom(c.group.WithZone("eth0"), 7101)
		}
		err = from.host.Do(func() error { // a zone is looked up where it is used
			_, err := from.WriteToUDPAddrPort([]byte("to all"), to)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.heard {
			near.get("to all")
		}
		// Behind it, on the same ways: whoever has not heard it now never will.
		from.send("to one", near.addr())
		near.get("to one")
		from.send("to one", addrOf(far, from))
		far.get("to one")
		if got := wire.Stop().UDPMulticast.Packets; c.heard && got != 1 {
			t.Errorf("%d UDP multicast frames were on the LAN of %s", got, c.from)
		}
		for _, s := range []*socket{from, near, far} {
			s.Close()
		}
	}
	if got := l.Counts().Multicast; got != 0 {
		t.Errorf("routers sent %d multicast packets out to other sites", got)
	}
}

// addrOf returns an address of a socket in a family that the other host has.
func addrOf(s, other *socket) netip.AddrPort {
	list := s.host.Addrs()
	if !other.host.nics[0].site.family().Has4() {
		return netip.AddrPortFrom(list[len(list)-1], s.port)
	}
	return netip.AddrPortFrom(list[0], s.port)
}

// TestSnooping: with snooping, a host that is no member gets nothing; but only
// after the switch's first 10 s, in which it floods.
func TestSnooping(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("waits until switches prune; set QUILT_LONG")
	}
	l := seven(t)
	for _, c := range []struct {
		from, near, idle string
		pruned           bool
	}{
		{"a1", "a2", "a3", true},  // snoops
		{"b1", "b2", "b3", false}, // floods
	} {
		from, near := open(t, l, c.from, 7101), open(t, l, c.near, 7101)
		join(near)
		idle := l.Host(c.idle)
		received := func() uint64 {
			u, err := idle.Usage()
			if err != nil {
				t.Fatal(err)
			}
			return u.Received.Packets
		}
		burst := func() uint64 {
			before := received()
			for range 50 {
				from.send("to all", netip.AddrPortFrom(group4, 7101))
				near.get("to all")
			}
			return received() - before
		}
		if c.pruned {
			await(t, "the switch prunes", func() bool {
				if burst() < 25 {
					return true
				}
				time.Sleep(time.Second)
				return false
			})
		} else if got := burst(); got < 50 {
			t.Errorf("a switch that floods gave %s %d of 50", c.idle, got)
		}
	}
}

// TestOneFamily: a site with IPv6 only has IPv6 and nothing else.
func TestOneFamily(t *testing.T) {
	l := seven(t)
	g1, a1, c1 := open(t, l, "g1", 7), open(t, l, "a1", 7), l.Host("c1")
	over6 := netip.AddrPortFrom(a1.host.Addrs()[1], 7)
	g1.send("hello", over6)
	if from := a1.get("hello"); from != g1.addr() {
		t.Errorf("it is seen as %v, not %v", from, g1.addr())
	}
	a1.send("answer", g1.addr())
	g1.get("answer")
	if _, err := g1.WriteToUDPAddrPort([]byte("hello"), a1.addr()); err == nil {
		t.Error("a host without IPv4 sent an IPv4 packet")
	}
	if s, err := c1.ListenUDP("[::]:0"); err != nil {
		t.Error(err)
	} else if _, err := s.WriteToUDPAddrPort([]byte("hello"), over6); err == nil {
		t.Error("a host without IPv6 sent an IPv6 packet")
	}
	for _, h := range l.Hosts() {
		for _, a := range h.Addrs() {
			if f := h.nics[0].site.family(); a.Is4() && !f.Has4() || a.Is6() && !f.Has6() {
				t.Errorf("%s has %v", h.name, a)
			}
		}
	}
}
