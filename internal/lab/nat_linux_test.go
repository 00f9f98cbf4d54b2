package lab

import (
	"net/netip"
	"testing"
)

// TestCone: "port-preserving, filters by address and port".
func TestCone(t *testing.T) {
	l := seven(t)
	c1, a1, b1 := open(t, l, "c1", 4001), open(t, l, "a1", 4001), open(t, l, "b1", 4001)
	other := open(t, l, "a1", 4002) // same address, another port
	l.SetLink(Link{A: "dc1", B: "home1"})
	home := c1.public()

	// Uninvited packets are dropped, and do not take the port from the host.
	b1.send("uninvited", home)
	await(t, "the uninvited packet crossed", func() bool { return l.Carried("dc2", "home1").Packets == 1 })
	for _, to := range []*socket{a1, b1} {
		if from := c1.ask("hello", to); from != home {
			t.Errorf("%s sees %v, not %v: the NAT did not keep the port", to.host.name, from, home)
		}
	}
	// What was not sent to does not get in: the packet behind it does.
	other.send("uninvited", home)
	a1.send("answer", home)
	c1.get("answer")
	b1.send("answer", home)
	c1.get("answer")

	// A second host with the same port gets another.
	c2 := open(t, l, "c2", 4001)
	if from := c2.ask("hello", a1); from.Addr() != home.Addr() || from.Port() == home.Port() {
		t.Errorf("a second host behind the NAT is seen as %v, the first as %v", from, home)
	}
	// No hairpin: a packet to the home's own public address does not come back in.
	c2.send("hairpin", home)
	c2.send("direct", c1.addr())
	c1.get("direct")
}

// TestOpenNATs: "whatever comes to a port from which the host has sent", and "whatever
// comes from an address that it has sent to". Both keep the port.
func TestOpenNATs(t *testing.T) {
	l := small(t, "site full fullcone hosts=c1,c2\nsite half restricted hosts=r1\nsite x lan hosts=x1\nsite y lan hosts=y1")
	x1, x2, y1 := open(t, l, "x1", 7), open(t, l, "x1", 8), open(t, l, "y1", 7)
	hosts := make(map[string]*socket)
	for _, name := range []string{"c1", "r1"} {
		h := open(t, l, name, 4001)
		hosts[name] = h
		home := h.public()
		x1.send("uninvited", home)
		await(t, "the uninvited packet crossed", func() bool { return l.Carried("x", h.host.Site()).Packets == 1 })
		if from := h.ask("hello", x1); from != home {
			t.Errorf("%s: seen as %v, not %v", name, from, home)
		}
		y1.send("from another address", home)
		await(t, "it crossed", func() bool { return l.Carried("y", h.host.Site()).Packets == 1 })
		if name == "c1" {
			h.get("from another address")
		}
		x2.send("from another port", home)
		h.get("from another port")
		h.send("answer", y1.addr())
		if from := y1.get("answer"); from != home {
			t.Errorf("%s: a stranger who was answered sees %v, not %v", name, from, home)
		}
	}
	// From within the home, by its public address: it is seen under that too.
	c1, c2 := hosts["c1"], open(t, l, "c2", 4002)
	c2.send("hairpin", c1.public())
	if from := c1.get("hairpin"); from.Addr() != c2.public().Addr() {
		t.Errorf("by hairpin it is seen as %v, not at %v", from, c2.public().Addr())
	}
}

// TestSymmetric: "a new port per destination".
func TestSymmetric(t *testing.T) {
	l := seven(t)
	d1, a1, a2, b1 := open(t, l, "d1", 4001), open(t, l, "a1", 4001), open(t, l, "a2", 4001), open(t, l, "b1", 4001)
	ports := make(map[uint16]string)
	for _, to := range []*socket{a1, a2, b1} {
		from := d1.ask("hello", to)
		if from.Addr() != d1.public().Addr() {
			t.Errorf("%s sees %v", to.host.name, from)
		}
		if before := ports[from.Port()]; before != "" {
			t.Errorf("%s and %s see the same port %d", before, to.host.name, from.Port())
		}
		ports[from.Port()] = to.host.name
		if again := d1.ask("again", to); again != from {
			t.Errorf("%s sees %v and then %v", to.host.name, from, again)
		}
		// Another host at the same site may not answer for it.
		if to == a1 {
			a2.send("uninvited", from)
		}
		to.send("answer", from)
		d1.get("answer")
	}
}

// TestFirewall: "public address, unsolicited inbound dropped".
func TestFirewall(t *testing.T) {
	l := seven(t)
	f1, a1 := open(t, l, "f1", 4001), open(t, l, "a1", 4001)
	a1.send("uninvited", f1.addr())
	await(t, "the uninvited packet crossed", func() bool { return l.Carried("dc1", "office").Packets == 1 })
	if from := f1.ask("hello", a1); from != f1.addr() {
		t.Errorf("the firewalled host is seen as %v, not %v", from, f1.addr())
	}
	a1.send("answer", f1.addr())
	f1.get("answer")
}

// TestDualHome: a home's IPv6 is not translated, but filtered all the same.
func TestDualHome(t *testing.T) {
	l := small(t, "site h cone hosts=h1 ip=46\nsite x lan hosts=x1 ip=46")
	h, x := open(t, l, "h1", 7), open(t, l, "x1", 7)
	h6, x6 := netip.AddrPortFrom(h.host.Addrs()[1], 7), netip.AddrPortFrom(x.host.Addrs()[1], 7)
	x.send("uninvited", h6)
	await(t, "the uninvited packet crossed", func() bool { return l.Carried("x", "h").Packets == 1 })
	h.send("hello", x6)
	if from := x.get("hello"); from != h6 {
		t.Errorf("over IPv6 it is seen as %v, not %v", from, h6)
	}
	x.send("answer", h6)
	h.get("answer")
	if from := h.ask("hello", x); from != h.public() || from.Addr() == h.addr().Addr() {
		t.Errorf("over IPv4 it is seen as %v, not %v", from, h.public())
	}
}

// TestPunch: what two hosts behind NATs or firewalls can do by sending at once.
func TestPunch(t *testing.T) {
	l := seven(t)
	c1, e1, f1, d1 := open(t, l, "c1", 4001), open(t, l, "e1", 4001), open(t, l, "f1", 4001), open(t, l, "d1", 4001)
	rendezvous := open(t, l, "b1", 9)
	for _, pair := range [][2]*socket{{c1, e1}, {c1, f1}, {e1, f1}} {
		x, y := pair[0], pair[1]
		atX, atY := x.ask("where am I", rendezvous), y.ask("where am I", rendezvous)
		before := l.Carried(x.host.Site(), y.host.Site()).Packets
		x.send("open", atY) // dropped at the other's: nothing was sent from there yet
		await(t, "the first packet crossed", func() bool { return l.Carried(x.host.Site(), y.host.Site()).Packets > before })
		y.send("through", atX)
		if from := x.get("through"); from != atY {
			t.Errorf("%s sees %s as %v, not %v", x.host.name, y.host.name, from, atY)
		}
		x.send("back", atY)
		y.get("back")
	}
	// The symmetric NAT's packet comes from a port that nobody has sent to.
	atD, atC := d1.ask("where am I", rendezvous), c1.ask("where am I", rendezvous)
	for range 3 {
		c1.send("open", atD)
		d1.send("open", atC)
	}
	await(t, "they crossed", func() bool {
		return l.Carried("home1", "home2").Packets >= 3 && l.Carried("home2", "home1").Packets >= 3
	})
	for _, s := range []*socket{c1, d1} {
		rendezvous.send("nothing before this", map[*socket]netip.AddrPort{c1: atC, d1: atD}[s])
		s.get("nothing before this")
	}
}

// TestRebind: the NAT forgets everything and chooses other ports.
func TestRebind(t *testing.T) {
	l := seven(t)
	b1, a1 := open(t, l, "b1", 4001), open(t, l, "a1", 4001)
	l.SetLink(Link{A: "dc1", B: "home1"})
	for _, name := range []string{"c1", "d1"} {
		s := open(t, l, name, 4001)
		seen := map[uint16]bool{}
		for round := range 3 {
			at := s.ask("hello", b1)
			if seen[at.Port()] {
				t.Errorf("%s: round %d: the NAT uses port %d again", name, round, at.Port())
			}
			seen[at.Port()] = true
			if at2 := s.ask("hello", a1); name == "c1" && at2 != at {
				t.Errorf("%s is seen as %v and %v by two destinations", name, at, at2)
			}
			b1.send("answer", at)
			s.get("answer")
			if err := l.Rebind(s.host.Site()); err != nil {
				t.Fatal(err)
			}
			b1.send("too late", at) // the next that s gets is not this
		}
	}
	if err := l.Rebind("dc1"); err == nil {
		t.Error("a site without NAT was rebound")
	}
}

// TestExpiry: a flow that idles longer than the NAT remembers is gone.
func TestExpiry(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for an expiry of 2 s")
	}
	l := seven(t)
	e1, b1 := open(t, l, "e1", 4001), open(t, l, "b1", 4001)
	at := e1.ask("hello", b1)
	await(t, "the NAT forgets", func() bool {
		flows, err := l.site("home3").flows()
		if err != nil {
			t.Fatal(err)
		}
		return len(flows) == 0
	})
	b1.send("too late", at)
	await(t, "it crossed", func() bool { return l.Carried("dc2", "home3").Packets == 1 })
	e1.ask("hello again", b1)
	b1.send("answer", at)
	e1.get("answer")
}
