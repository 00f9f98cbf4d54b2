package lab

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDelay: a round trip takes twice the link's delay, never less, and what is
// more is this machine's doing.
func TestDelay(t *testing.T) {
	l := seven(t)
	l.SetLink(Link{A: "dc1", B: "home1", Delay: 20 * time.Millisecond})
	to := open(t, l, "a1", 7)
	for _, name := range []string{"a2", "b1", "c1", "d1", "g1"} {
		from := open(t, l, name, 7)
		want := l.RTT(from.host.Site(), "dc1")
		at := to.addr()
		if name == "g1" {
			at = netip.AddrPortFrom(to.host.Addrs()[1], 7)
		}
		var took []time.Duration
		for range 9 {
			begin := time.Now()
			from.send("ping", at)
			to.send("pong", to.get("ping"))
			from.get("pong")
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		t.Logf("%s to a1: %v configured, median %v, least %v", name, want, took[4], took[0])
		if took[0] < want || took[0] > want+100*time.Millisecond {
			t.Errorf("the best round trip from %s took %v, not %v", name, took[0], want)
		}
	}
}

// TestLoss: the share of packets lost is the link's, and the sender cannot tell.
func TestLoss(t *testing.T) {
	const n, batch, loss = 2000, 100, 0.2 // a batch fits a socket's buffer
	l := small(t, "seed 3\nsite a lan hosts=a1\nsite b lan hosts=b1\nlink a b delay=1ms loss=20%")
	a, b := open(t, l, "a1", 7), open(t, l, "b1", 7)
	for _, way := range [][2]*socket{{a, b}, {b, a}} {
		from, to := way[0], way[1]
		arrived := uint64(0)
		for range n / batch {
			before := l.Counts()
			for range batch {
				from.send("probe", to.addr())
			}
			var carried uint64
			await(t, "all probes were lost or carried", func() bool {
				c := l.Counts()
				carried = c.Carried.Packets - before.Carried.Packets
				return c.Lost-before.Lost+carried == batch
			})
			for range carried {
				to.get("probe")
			}
			arrived += carried
		}
		got, sigma := 1-float64(arrived)/float64(n), math.Sqrt(loss*(1-loss)/n)
		t.Logf("%s to %s: %.3f lost of %v configured (standard error %.4f)", from.host.name, to.host.name, got, loss, sigma)
		if math.Abs(got-loss) > 3*sigma {
			t.Errorf("%.3f of the packets were lost", got)
		}
	}
}

// TestHops: what a traceroute sees, with gaps where a router stays silent.
func TestHops(t *testing.T) {
	l := seven(t)
	l.SetLink(Link{A: "dc1", B: "home1", Delay: 20 * time.Millisecond, Hops: []string{"x1", Silent}})
	named := func(four bool, names ...string) (list []netip.Addr) {
		for _, n := range names {
			if n == Silent {
				list = append(list, netip.Addr{})
				continue
			}
			v4, v6 := l.Router(n)
			if four {
				list = append(list, v4)
			} else {
				list = append(list, v6)
			}
		}
		return list
	}
	around := func(first string, way []netip.Addr, last ...string) []netip.Addr {
		list := append([]netip.Addr{netip.MustParseAddr(first)}, way...)
		for _, a := range last {
			list = append(list, netip.MustParseAddr(a))
		}
		return list
	}
	for _, c := range []struct {
		from string
		to   netip.Addr
		want []netip.Addr
	}{
		{"c1", l.Host("a1").Addrs()[0],
			around("192.168.1.1", named(true, "c-access", "*", "city", "*", "x1", "carrier", "a-edge"), "22.1.0.1", "22.1.0.10")},
		{"a1", l.Host("b1").Addrs()[0],
			around("22.1.0.1", named(true, "a-edge", "carrier", "carrier", "*", "b-edge"), "22.2.0.1", "22.2.0.10")},
		{"f1", l.Host("b1").Addrs()[0],
			around("22.6.0.1", named(true, "f-edge", "x2", "x1", "carrier", "*", "b-edge"), "22.2.0.1", "22.2.0.10")},
		{"g1", l.Host("a1").Addrs()[1],
			around("3fff:7:0:1::1", named(false, "g-edge", "*", "x2", "x1", "carrier", "a-edge"), "3fff:1:0:1::1", "3fff:1:0:1::a")},
		// To the resolver: at the end of the path, at the gateway, in the host.
		{"d1", l.Host("d1").Resolvers()[0], around("192.168.1.1", named(true, "d-access", "city", "dns2"))},
		{"g1", l.Host("g1").Resolvers()[0], around("3fff:7:0:1::1", named(false, "g-edge", "*", "dns1"))},
		{"c1", l.Host("c1").Resolvers()[0], around("192.168.1.1", nil)},
		{"e1", l.Host("e1").Resolvers()[0], around("127.0.0.53", nil)},
	} {
		if got := trace(t, l.Host(c.from), c.to); !slices.Equal(got, c.want) {
			t.Errorf("from %s to %v:\n%v, want\n%v", c.from, c.to, got, c.want)
		}
	}
}

// trace sends UDP packets that live longer and longer, all at once, and returns
// who reported the end of each, the first that was unreachable last.
func trace(t *testing.T, h *Host, to netip.Addr) []netip.Addr {
	t.Helper()
	const most = 16
	var hops [most + 1]netip.Addr
	end := most
	err := h.Do(func() error {
		fd, err := probes(to, most)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// The last router that answers is the destination: then all nearer have.
		for deadline := time.Now().Add(hang); ; {
			ttl, from, final, err := report(fd)
			if err == unix.EAGAIN {
				if end < most && allIn(hops[1:end]) || time.Now().After(deadline) {
					return nil
				}
				time.Sleep(time.Millisecond)
				continue
			}
			if err != nil {
				return err
			}
			hops[ttl] = from
			if final && ttl < end {
				end = ttl
				deadline = time.Now().Add(200 * time.Millisecond) // for what is silent; order is kept, so little
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return hops[1 : end+1]
}

func allIn(hops []netip.Addr) bool {
	return !slices.ContainsFunc(hops, func(a netip.Addr) bool { return !a.IsValid() })
}

// probes sends one packet for each time to live, to the port 33000 + that.
func probes(to netip.Addr, most int) (fd int, err error) {
	family, level, ttlOption, errOption := unix.AF_INET, unix.IPPROTO_IP, unix.IP_TTL, unix.IP_RECVERR
	if to.Is6() {
		family, level, ttlOption, errOption = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_RECVERR
	}
	if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, level, errOption, 1); err != nil {
		return fd, err
	}
	for ttl := 1; ttl <= most; ttl++ {
		if err := unix.SetsockoptInt(fd, level, ttlOption, ttl); err != nil {
			return fd, err
		}
		var addr unix.Sockaddr = &unix.SockaddrInet4{Port: 33000 + ttl, Addr: [4]byte(to.AsSlice())}
		if to.Is6() {
			addr = &unix.SockaddrInet6{Port: 33000 + ttl, Addr: to.As16()}
		}
		// An error of an earlier probe is reported by the next call: once.
		if unix.Sendto(fd, []byte("probe"), 0, addr) != nil {
			if err := unix.Sendto(fd, []byte("probe"), 0, addr); err != nil {
				return fd, fmt.Errorf("probe %d: %w", ttl, err)
			}
		}
	}
	return fd, nil
}

// report reads one ICMP error from the socket's error queue.
func report(fd int) (ttl int, from netip.Addr, final bool, err error) {
	buf, control := make([]byte, 512), make([]byte, 512)
	_, n, _, to, err := unix.Recvmsg(fd, buf, control, unix.MSG_ERRQUEUE)
	if err != nil {
		return 0, from, false, err
	}
	switch to := to.(type) {
	case *unix.SockaddrInet4:
		ttl = to.Port - 33000
	case *unix.SockaddrInet6:
		ttl = to.Port - 33000
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return 0, from, false, err
	}
	for _, m := range messages {
		// struct sock_extended_err: errno, origin, type, code, pad, info, data;
		// then the sockaddr of the offender.
		if len(m.Data) < 16+8 {
			continue
		}
		errno := unix.Errno(binary.NativeEndian.Uint32(m.Data))
		final = errno == unix.ECONNREFUSED
		switch binary.NativeEndian.Uint16(m.Data[16:]) {
		case unix.AF_INET:
			from = netip.AddrFrom4([4]byte(m.Data[20:24]))
		case unix.AF_INET6:
			from = netip.AddrFrom16([16]byte(m.Data[24:40]))
		}
	}
	return ttl, from, final, nil
}
