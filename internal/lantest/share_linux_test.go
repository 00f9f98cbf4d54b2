package lantest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// sysctl sets something of a host's kernel.
func sysctl(tb testing.TB, h *lab.Host, setting string) {
	tb.Helper()
	if out, err := h.Command(context.Background(), "sysctl", "-w", setting).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v %s", setting, err, out)
	}
}

// memberships is how many groups of ours a host's kernel says that eth0 has joined.
func memberships(tb testing.TB, h *lab.Host, six bool) (n int) {
	tb.Helper()
	file, mark := "/proc/net/igmp", "EF" // 239.…, its bytes reversed
	if six {
		file, mark = "/proc/net/igmp6", "eth0"
	}
	out, err := h.Command(context.Background(), "cat", file).Output()
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if six && len(f) > 2 && f[1] == mark && strings.HasPrefix(f[2], "ff15") || !six && len(f) > 1 && len(f[0]) == 8 && strings.HasSuffix(f[0], mark) {
			n++
		}
	}
	return n
}

// groups counts the datagrams sent to each group on a LAN, but for the one of rosters.
type groups struct {
	mu   sync.Mutex
	sent map[netip.Addr]int
	data int // with an item
}

func (g *groups) frame(b []byte) {
	const ethernet = 14
	if len(b) < ethernet+28 || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[ethernet+9] != 17 || b[ethernet+16] != 239 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(b) > 1000 {
		g.data++
		a, _ := netip.AddrFromSlice(b[ethernet+16 : ethernet+20])
		g.sent[a]++
	}
}

// TestSharedGroups: hosts that may join few groups, by configuration or because their
// kernel says so, take part in more topics than that: they share groups, none joins more
// than it may, and everything arrives in one packet an item.
func TestSharedGroups(t *testing.T) {
	t.Parallel()
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("IPv6 %v", six), func(t *testing.T) {
			t.Parallel()
			const bound = 5
			topics := [][]string{
				{"a", "b", "c", "d", "e", "f", "g", "h"}, // needs 8 and that of rosters
				{"a", "b", "c", "d"}, {"a", "b", "c", "d"}, {"e", "f", "g", "h"}, {"e", "f", "g", "h"}, {"a", "z"},
			}
			l := stageLAN(t, len(topics), "")
			var list []*process
			for i, names := range topics {
				env := []string{"QUILT_LANTEST_TOPICS=" + strings.Join(names, " ")}
				if six {
					env = append(env, "QUILT_LANTEST_IPV6=1")
					sysctl(t, hostAt(l, i), fmt.Sprintf("net.core.optmem_max=%d", bound*56+55))
				} else if i%2 == 0 {
					sysctl(t, hostAt(l, i), fmt.Sprintf("net.ipv4.igmp_max_memberships=%d", bound))
				} else {
					env = append(env, fmt.Sprintf("QUILT_LANTEST_GROUPS=%d", bound))
				}
				list = append(list, startRole(t, hostAt(l, i), "ipmc", env...))
			}
			until(t, "hosts to agree", func() bool {
				return list[0].report().Sharing.Heard >= 5 && list[1].report().Sharing.Shared > 0 && list[3].report().Sharing.Shared > 0
			})
			time.Sleep(8 * time.Second) // decided anew, if anything came meanwhile
			g := &groups{sent: make(map[netip.Addr]int)}
			c, err := l.Capture("lan", g.frame)
			if err != nil {
				t.Fatal(err)
			}
			const items = 20
			want := make(map[string]int)
			for i, p := range list {
				for _, name := range topics[i] {
					p.do(order{Do: "publish", Topic: name, Items: items, Size: 1024, Rate: 200})
					want[name] += items
				}
			}
			until(t, "items", func() bool {
				for i, p := range list {
					r := p.report()
					for _, name := range topics[i] {
						if r.ByTopic[name] < want[name] {
							return false
						}
					}
				}
				return true
			})
			c.Stop()
			published := 0
			for _, n := range want {
				published += n
			}
			for i, p := range list {
				joined := memberships(t, hostAt(l, i), six)
				r := p.report()
				t.Logf("host %d: %d topics, %d groups joined: %+v; %d datagrams of other topics", i, len(topics[i]), joined, r.Sharing, r.Driver.Foreign)
				if joined > bound || r.Sharing.Joined != joined || r.Driver.JoinFailed > 0 {
					t.Errorf("host %d has joined %d groups, it says %d, %d failed; it may join %d", i, joined, r.Sharing.Joined, r.Driver.JoinFailed, bound)
				}
				if i == 5 && r.Sharing.Shared > 1 {
					t.Errorf("host 5 hears %d groups in others' place", r.Sharing.Shared)
				}
			}
			if !six && (g.data != published || len(g.sent) > 6) {
				t.Errorf("%d packets for %d items, to %d groups", g.data, published, len(g.sent))
			}
			// Topics left make room: nobody shares any more.
			for _, name := range []string{"a", "b", "c", "d"} {
				list[0].do(order{Do: "leave", Topic: name})
			}
			until(t, "topics to have groups of their own again", func() bool {
				for _, p := range list {
					if p.report().Sharing.Shared > 0 {
						return false
					}
				}
				return true
			})
		})
	}
}

// TestKernelLimits: what the kernel says of how many groups a socket may join is what
// sockets see; for IPv6, and below its own limit for IPv4, that is their optional memory.
func TestKernelLimits(t *testing.T) {
	l := stageLAN(t, 1, "")
	h := hostAt(l, 0)
	// join has one socket join groups until it may no more.
	join := func(six bool) (n int, last error) {
		err := h.Do(func() error {
			ifi, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			network := "udp4"
			if six {
				network = "udp6"
			}
			conn, err := net.ListenPacket(network, ":0")
			if err != nil {
				return err
			}
			defer conn.Close()
			for ; n < 10_000; n++ {
				g := &net.UDPAddr{IP: net.IPv4(239, 255, byte(n>>8), byte(n))}
				if six {
					g.IP = append(net.ParseIP("ff15::8000:0")[:14:14], byte(n>>8), byte(n))
					last = ipv6.NewPacketConn(conn).JoinGroup(ifi, g)
				} else {
					last = ipv4.NewPacketConn(conn).JoinGroup(ifi, g)
				}
				if last != nil {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, last
	}
	for _, c := range []struct {
		setting     string
		six         bool
		least, most int
	}{
		{"net.ipv4.igmp_max_memberships=7", false, 7, 7},
		{"net.ipv4.igmp_max_memberships=1000", false, 1000, 1000},
		{"net.core.optmem_max=2048", false, 2048 / 56, 2048 / 48},
		{"net.core.optmem_max=2048", true, 2048/56 - 1, 2048 / 56},
		{"net.core.optmem_max=20480", true, 20480/56 - 1, 20480 / 56},
	} {
		sysctl(t, h, c.setting)
		n, err := join(c.six)
		t.Logf("%s, IPv6 %v: one socket joins %d groups, then: %v", c.setting, c.six, n, err)
		if n < c.least || n > c.most || err == nil {
			t.Errorf("%s, IPv6 %v: %d groups joined, want %d to %d; then %v", c.setting, c.six, n, c.least, c.most, err)
		}
	}
}
