package lab

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// pair is two data centres and a home without delay.
const pair = `
site x lan hosts=x1,x2 ip=46
site y lan hosts=y1,y2 ip=46
site z symmetric hosts=z1
`

// TestPartition: nothing passes a cut, and all does when it is mended.
func TestPartition(t *testing.T) {
	l := small(t, pair)
	x, y, z := open(t, l, "x1", 7), open(t, l, "y1", 7), open(t, l, "z1", 7)
	for _, c := range []struct {
		what       string
		part, mend func()
		xz         bool // x and z are parted too
	}{
		{"cut", func() { l.Cut("x", "y") }, func() { l.Mend("x", "y") }, false},
		{"partition of y", func() { l.Partition("y") }, l.Restore, false},
		{"partition of y and z", func() { l.Partition("y", "z") }, l.Restore, true},
	} {
		c.part()
		before := l.Counts().Cut
		x.send("in vain", y.addr())
		y.send("in vain", x.addr())
		want := before + 2
		if c.xz {
			z.send("in vain", x.addr())
			want++
			z.ask("together", y)
		} else {
			z.ask("apart from it", x)
		}
		await(t, c.what, func() bool { return l.Counts().Cut == want })
		c.mend()
		x.ask("again", y)
		y.ask("again", x)
		z.ask("again", x)
	}
}

// TestRenumber: sites and hosts get other addresses, and the old lead nowhere.
func TestRenumber(t *testing.T) {
	l := small(t, pair)
	x, y, z := open(t, l, "x1", 7), open(t, l, "y1", 7), open(t, l, "z1", 7)
	check := func(s *socket, change func() error) {
		t.Helper()
		old, seen := s.addr(), s.host.Public()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		for i, a := range s.host.Public() {
			if a == seen[i] {
				t.Errorf("%s still has %v", s.host.name, a)
			}
		}
		if from := s.ask("hello", x); from.Addr() != s.host.Public()[0] {
			t.Errorf("%s is seen as %v, not %v", s.host.name, from, s.host.Public()[0])
		}
		if !old.Addr().IsPrivate() {
			x.send("to nobody", old)
			x.send("hello", s.addr())
			s.get("hello")
			s.send("over IPv6", netip.AddrPortFrom(x.host.Addrs()[1], 7))
			if from := x.get("over IPv6"); from.Addr() != s.host.Addrs()[1] {
				t.Errorf("%s is seen as %v, not %v", s.host.name, from, s.host.Addrs()[1])
			}
		}
	}
	check(y, func() error { return l.Renumber("y") })
	check(y, func() error { return y.host.Renumber() })
	check(z, func() error { return l.Renumber("z") })
	await(t, "packets to nobody", func() bool { return l.Counts().Unknown > 0 })

	// A home moves to a provider without NAT: now it can be called.
	if err := l.SetKind("z", LAN); err != nil {
		t.Fatal(err)
	}
	x.send("uninvited", z.addr())
	z.get("uninvited")
	if got := z.ask("hello", x); got != z.addr() || got.Addr().IsPrivate() {
		t.Errorf("a public host is seen as %v, not %v", got, z.addr())
	}
	if err := l.SetKind("z", "fancy"); err == nil {
		t.Error("there is a fancy kind of site")
	}
}

// TestNumbers: the bound on renumberings is reported.
func TestNumbers(t *testing.T) {
	l := small(t, "site x lan")
	l.next = maxNumber + 1
	if err := l.Renumber("x"); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("one renumbering too many: %v", err)
	}
}

// TestCables: interfaces and cables go and come back.
func TestCables(t *testing.T) {
	l := small(t, pair)
	x, y := open(t, l, "x1", 7), open(t, l, "y1", 7)
	for _, c := range []struct {
		what     string
		off, on  func() error
		addrs    bool // are kept
		canWrite bool
	}{
		{"cable", func() error { return y.host.Unplug() }, func() error { return y.host.Replug() }, true, true},
		{"interface", func() error { return y.host.Down() }, func() error { return y.host.Up() }, false, false},
		{"power", y.host.PowerOff, y.host.PowerOn, true, false},
	} {
		if err := c.off(); err != nil {
			t.Fatal(err)
		}
		before := l.Carried("x", "y").Packets
		x.send("in vain", y.addr())
		await(t, "it crossed", func() bool { return l.Carried("x", "y").Packets > before })
		if _, err := y.WriteToUDPAddrPort([]byte("in vain"), x.addr()); err == nil && !c.canWrite {
			t.Errorf("%s off: a host without its interface could send", c.what)
		}
		if err := c.on(); err != nil {
			t.Fatal(err)
		}
		// What waited for an address on the LAN may come now: once.
		await(t, "reachable again: "+c.what, func() bool {
			x.send("again", y.addr())
			return y.heard("again")
		})
		await(t, "it can send again: "+c.what, func() bool {
			_, _ = y.WriteToUDPAddrPort([]byte("again"), x.addr())
			return x.heard("again")
		})
	}
}

// heard drops what has come before a text, and says whether that has come.
func (s *socket) heard(want string) bool {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	buf := make([]byte, 100)
	for {
		n, _, err := s.ReadFromUDPAddrPort(buf)
		if err != nil {
			return false
		}
		if string(buf[:n]) == want {
			return true
		}
	}
}

// TestTLSOnly: only TCP to port 443 leaves, and what does not begin like TLS is
// dropped there.
func TestTLSOnly(t *testing.T) {
	l := small(t, "site in tlsonly hosts=i1\nsite out lan hosts=o1")
	var mu sync.Mutex
	said := make(map[uint16]string) // by destination port: all bytes that left, UDP too
	l.Watch(func(p Passage) {
		if ip, ok := parsePacket(p.Packet); ok && p.From == "in" {
			_, port, _ := ip.ports()
			head := 8
			if ip.proto == protoTCP {
				head = int(ip.body[12]>>4) * 4
			}
			mu.Lock()
			defer mu.Unlock()
			said[port] += string(ip.body[head:])
		}
	})
	out := l.Host("o1").Addrs()[0]
	serve := func(port uint16) net.Listener {
		var ln net.Listener
		err := l.Host("o1").Do(func() (err error) {
			ln, err = net.Listen("tcp", netip.AddrPortFrom(out, port).String())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		return ln
	}
	ln := serve(443)
	serve(80)
	dial := func(port uint16) (conn net.Conn, err error) {
		err = l.Host("i1").Do(func() error {
			conn, err = (&net.Dialer{Timeout: 300 * time.Millisecond}).Dial("tcp", netip.AddrPortFrom(out, port).String())
			return err
		})
		return conn, err
	}
	if _, err := dial(80); err == nil {
		t.Error("a connection to port 80 was let out")
	}
	open(t, l, "i1", 5000).send("datagram", netip.AddrPortFrom(out, 443))
	for _, c := range []struct {
		first string
		out   bool
	}{{"GET / HTTP/1.1\r\n", false}, {"\x16\x03\x01 and so on", true}} {
		conn, err := dial(443)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(c.first)); err != nil {
			t.Fatal(err)
		}
		far, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		if !c.out {
			continue
		}
		// Whatever follows is let out too, and answers come in.
		buf := make([]byte, 100)
		for _, text := range []string{c.first, "anything"} {
			if text != c.first {
				_, _ = conn.Write([]byte(text))
			}
			n, err := far.Read(buf)
			if err != nil || string(buf[:n]) != text {
				t.Fatalf("the other end read %q, %v, not %q", buf[:n], err, text)
			}
		}
		if _, err := far.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "answer" {
			t.Fatalf("the answer is %q, %v", buf[:n], err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "\x16\x03\x01 and so onanything"; said[443] != want || len(said) != 1 {
		t.Errorf("what left by port is %v, not %q", said, want)
	}
}

// TestTwoNICs: a host at two sites is reached at each by its address there, answers
// from it, and is left with one when the other's cable is pulled.
func TestTwoNICs(t *testing.T) {
	l := small(t, `
site x lan  hosts=x1,m ip=46
site y cone hosts=m,y1
site z lan  hosts=z1 ip=46
`)
	m := l.Host("m")
	mx, my := m.Addrs("x"), m.Addrs("y")
	if len(mx) != 2 || len(my) != 1 || len(m.Addrs()) != 3 {
		t.Fatalf("at x it has %v, at y %v, in all %v", mx, my, m.Addrs())
	}
	x, y, z := open(t, l, "x1", 7), open(t, l, "y1", 7), open(t, l, "z1", 7)
	bind := func(a netip.Addr) *socket {
		conn, err := m.ListenUDP(netip.AddrPortFrom(a, 8).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &socket{conn, t, m, 8}
	}
	atX, atX6, atY := bind(mx[0]), bind(mx[1]), bind(my[0])
	x.send("hello", netip.AddrPortFrom(mx[0], 8))
	atX.get("hello")
	y.send("hello", netip.AddrPortFrom(my[0], 8))
	atY.get("hello")
	// By the address that it is sent from a packet finds its way out.
	z6 := netip.AddrPortFrom(z.host.Addrs()[1], 7)
	for _, c := range []struct {
		from *socket
		to   netip.AddrPort
		seen netip.Addr
	}{{atX, z.addr(), mx[0]}, {atX6, z6, mx[1]}, {atY, z.addr(), l.Host("y1").Public()[0]}} {
		c.from.send("hello", c.to)
		if seen := z.get("hello"); seen.Addr() != c.seen {
			t.Errorf("from %v it is seen as %v, not %v", c.from.LocalAddr(), seen, c.seen)
		}
	}
	whole := open(t, l, "m", 9) // leaves by the first, then by what is left
	for _, want := range []netip.Addr{mx[0], l.Host("y1").Public()[0], mx[0]} {
		await(t, "it is seen as "+want.String(), func() bool {
			// Lost, as long as the kernel has not noticed what became of the carrier.
			_, _ = whole.WriteToUDPAddrPort([]byte("whole"), z.addr())
			_ = z.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, seen, err := z.ReadFromUDPAddrPort(make([]byte, 100))
			return err == nil && seen.Addr().Unmap() == want
		})
		var err error
		if want == mx[0] {
			err = m.Unplug("x")
		} else {
			err = m.Replug("x")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(m.Replug(), m.Renumber("y")); err != nil {
		t.Fatal(err)
	}
	if now := m.Addrs(); now[0] != mx[0] || now[2] == my[0] {
		t.Errorf("renumbered at y, it has %v, before %v and %v", now, mx, my)
	}
}
