package lantest

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
	"github.com/quilt-p2p/quilt/ipmc"
)

// sized returns how much of something a test takes: few, that share a small machine with
// other tests, unless an environment variable says how many.
func sized(name string, few int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return few
}

// long skips a test that wants the machine for a while, unless the long ones are asked for.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("it keeps both processors busy for a while; set QUILT_LONG")
	}
}

// wire counts what is sent to the topic's group on a LAN.
type wire struct {
	mu            sync.Mutex
	data, control lab.Traffic
	elsewhere     int // to other groups of ours
	six           int // by IPv6
}

func (w *wire) frame(b []byte) {
	const ethernet, udp = 14, 8
	if len(b) > ethernet+40+udp && binary.BigEndian.Uint16(b[12:]) == 0x86dd && b[ethernet+6] == 17 && b[ethernet+24] == 0xff && b[ethernet+25]&0xf0 == 0x10 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.six++ // to a group that nobody has assigned: one of ours
		return
	}
	if len(b) < ethernet+20+udp || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[ethernet+9] != 17 || b[ethernet+16]&0xf0 != 0xe0 {
		return
	}
	group := ipmc.GroupOf(topicName, "", ipmc.SiteLocal, false)
	header := int(b[ethernet]&15) * 4
	w.mu.Lock()
	defer w.mu.Unlock()
	switch port := binary.BigEndian.Uint16(b[ethernet+header+2:]); {
	case port != group.Port():
		w.elsewhere++
	case len(b) > 1000:
		w.data.Packets++
		w.data.Bytes += uint64(len(b))
	default:
		w.control.Packets++
		w.control.Bytes += uint64(len(b))
	}
}

// TestOncePerItem: on a LAN of 50 peers one item of 1 KiB is one data packet, and
// control takes less than two hundredths of the bytes at 100 items a second.
func TestOncePerItem(t *testing.T) {
	t.Parallel()
	n, items := sized("QUILT_LANTEST_PEERS", 10), sized("QUILT_LANTEST_ITEMS", 500)
	l := stageLAN(t, n, "")
	list := members(t, l, n)
	settle(t, list)
	time.Sleep(time.Duration(12+n/2) * time.Second) // beacons back off, the more peers the further
	w := &wire{}
	c, err := l.Capture("lan", w.frame)
	if err != nil {
		t.Fatal(err)
	}
	before, err := hostAt(l, 0).Usage()
	if err != nil {
		t.Fatal(err)
	}
	took := list[0].do(order{Do: "publish", Items: items, Size: 1024, Rate: 100}).Took
	after, err := hostAt(l, 0).Usage()
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	control := w.control // what is said when nothing is sent any more is not of the items
	w.mu.Unlock()
	missing := delivered(t, list, items)
	c.Stop()
	// A machine that has much else to do does not come to 100 items a second, and what
	// is said in a second does not depend on that.
	perSecond := float64(control.Bytes) / took.Seconds()
	share := perSecond / (perSecond + 100*float64(w.data.Bytes)/float64(w.data.Packets))
	t.Logf("%d peers, %d items in %v: %d data packets on the wire, %d sent by the publisher's interface in all; control %d packets, %.2f%% of the bytes at 100 items a second; %d deliveries missing",
		n, items, took.Round(100*time.Millisecond), w.data.Packets, after.Sent.Packets-before.Sent.Packets, control.Packets, 100*share, missing)
	var repairs uint64
	for _, p := range list {
		repairs += p.report().IPMC.Stats.Repairs
	}
	if int(w.data.Packets) != items+int(repairs) || repairs > uint64(items/100) {
		t.Errorf("%d data packets for %d items, %d repaired", w.data.Packets, items, repairs)
	}
	if missing > 0 || share >= 0.02 {
		t.Errorf("%d deliveries are missing, control is %.2f%%", missing, 100*share)
	}
}

// TestLossOnLAN: all deliver all at 0, 1 and 10% loss at each receiver, by the group
// alone.
func TestLossOnLAN(t *testing.T) {
	long(t)
	n, items := sized("QUILT_LANTEST_PEERS", 10), sized("QUILT_LANTEST_ITEMS", 1000)
	rate := float64(sized("QUILT_LANTEST_RATE", 200))
	for _, percent := range []int{0, 1, 10} {
		t.Run(fmt.Sprintf("%d%%", percent), func(t *testing.T) {
			l := stageLAN(t, n, "")
			start := members
			if os.Getenv("QUILT_LANTEST_LINKS") != "" {
				start = linked
			}
			list := start(t, l, n)
			settle(t, list)
			for i := 1; i < n; i++ {
				lose(t, hostAt(l, i), percent)
			}
			took := list[0].do(order{Do: "publish", Items: items, Size: 1024, Rate: rate}).Took
			missing := delivered(t, list, items)
			var s ipmc.Stats
			var cpu time.Duration
			for _, p := range list {
				r := p.report()
				s.Repairs += r.IPMC.Stats.Repairs
				s.Nacks += r.IPMC.Stats.Nacks
				s.GivenUp += r.IPMC.Stats.GivenUp
				s.Skipped += r.IPMC.Stats.Skipped
				if r.IPMC.Stats.GivenUp > 0 || p == list[0] {
					t.Logf("%s: fit %v, %+v; heard %d, dropped by the system %d", p.host.Name(), r.Fit, r.IPMC, r.Driver.Heard, r.Driver.KernelDropped)
				}
				cpu += r.User + r.System
			}
			t.Logf("%d peers, %d items in %v: %d deliveries missing; %d repairs, %d questions, %d given up, %d skipped; CPU %v",
				n, items, took.Round(time.Second), missing, s.Repairs, s.Nacks, s.GivenUp, s.Skipped, cpu.Round(time.Second))
			if missing > 0 {
				t.Errorf("%d deliveries are missing", missing)
			}
		})
	}
}

// TestSenderDoesNotGrow: what sending costs does not depend on how many listen.
func TestSenderDoesNotGrow(t *testing.T) {
	long(t)
	items := sized("QUILT_LANTEST_ITEMS", 500)
	type cost struct {
		user  time.Duration
		calls uint64
	}
	var costs []cost
	for _, n := range []int{3, sized("QUILT_LANTEST_PEERS", 12)} {
		l := stageLAN(t, n, "")
		list := members(t, l, n)
		settle(t, list)
		before := list[0].report()
		after := list[0].do(order{Do: "publish", Items: items, Size: 1024, Rate: 100})
		missing := delivered(t, list, items)
		c := cost{after.User - before.User, after.Driver.SendCalls - before.Driver.SendCalls}
		t.Logf("%d receivers: user CPU of the sender %v an item, %.3f calls to send an item, %d missing", n-1, c.user/time.Duration(items), float64(c.calls)/float64(items), missing)
		costs = append(costs, c)
	}
	if a, b := costs[0], costs[1]; b.calls > a.calls*11/10 {
		t.Errorf("%d calls with few receivers, %d with many", a.calls, b.calls)
	}
}

// TestStaysInside: nothing goes to another site, nor out of an interface that is not
// allowed, by either family, whether groups are shared or not.
func TestStaysInside(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {"QUILT_LANTEST_IPV6=1"}, {"QUILT_LANTEST_GROUPS=3", "QUILT_LANTEST_TOPICS=lan a b c d e f"}} {
		t.Run(fmt.Sprint(env), func(t *testing.T) {
			t.Parallel()
			l := stageLAN(t, 3, "site other lan ip=46 hosts=o1,h1\n")
			list := members(t, l, 3, env...)
			settle(t, list)
			here, there := &wire{}, &wire{}
			for name, w := range map[string]*wire{"lan": here, "other": there} {
				c, err := l.Capture(name, w.frame)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Stop()
			}
			list[1].do(order{Do: "publish", Items: 200, Size: 1024, Rate: 100}) // it is at both sites
			list[0].do(order{Do: "publish", Items: 200, Size: 1024, Rate: 100})
			until(t, "items", func() bool { return list[2].report().Delivered == 400 })
			for _, w := range []*wire{here, there} {
				w.mu.Lock()
				defer w.mu.Unlock()
			}
			if n := here.data.Packets + here.control.Packets + uint64(here.six) + uint64(here.elsewhere); n < 400 {
				t.Errorf("%d packets are counted where they should be", n)
			}
			if there.data.Packets+there.control.Packets > 0 || there.elsewhere > 0 || there.six > 0 {
				t.Errorf("on the other LAN: %+v %+v, %d to other groups, %d by IPv6", there.data, there.control, there.elsewhere, there.six)
			}
			if counts := l.Counts(); counts.Multicast > 0 {
				t.Errorf("between the sites: %+v", counts)
			}
		})
	}
}

// TestIPv6: by IPv6 it is the same.
func TestIPv6(t *testing.T) {
	t.Parallel()
	l := stageLAN(t, 3, "")
	list := members(t, l, 3, "QUILT_LANTEST_IPV6=1")
	settle(t, list)
	list[0].do(order{Do: "publish", Items: 100, Size: 5000, Rate: 100})
	if missing := delivered(t, list, 100); missing > 0 {
		t.Errorf("%d deliveries are missing", missing)
	}
	if c := list[1].report().Driver; c.Foreign+c.Forged+c.Oversize > 0 {
		t.Errorf("%+v", c)
	}
}

// TestHostileHost: a host on the LAN floods the group; all honest items arrive, those
// that receivers have no time for over links, and what it costs is printed.
func TestHostileHost(t *testing.T) {
	long(t)
	seconds, rate := sized("QUILT_LANTEST_SECONDS", 2), float64(sized("QUILT_LANTEST_FLOOD", 50_000))
	for _, name := range []string{"garbage", "untagged", "replayed", "oversized", "forged", "fragments"} {
		t.Run(name, func(t *testing.T) {
			honest := sized("QUILT_LANTEST_PEERS", 3)
			l := stageLAN(t, honest+1, "")
			list := linked(t, l, honest)
			settle(t, list)
			enemy := startRole(t, hostAt(l, honest), "hostile")
			until(t, "the enemy to hear something", func() bool {
				list[0].do(order{Do: "publish", Items: 10, Size: 1024, Rate: 100})
				enemy.tell(order{Do: "flood " + name, Items: 64, Rate: rate})
				return enemy.out.Scan() && string(enemy.out.Bytes()[:5]) != `{"Err`
			})
			sent := enemy.report().Sent
			wire, err := hostAt(l, honest).Usage()
			if err != nil {
				t.Fatal(err)
			}
			before := list[1].report()
			enemy.tell(order{Do: "flood " + name, Items: seconds * int(rate), Rate: rate})
			items := 100 * seconds
			list[0].do(order{Do: "publish", Items: items, Size: 1024, Rate: 100})
			flood := enemy.read()
			end := list[1].report()
			wireAfter, err := hostAt(l, honest).Usage()
			if err != nil {
				t.Fatal(err)
			}
			want := list[0].report().IPMC.Stats.Sent
			missing := delivered(t, list, int(want))
			after := list[1].report()
			sent = flood.Sent - sent
			cpu := end.User + end.System - before.User - before.System
			t.Logf("%d packets sent in %v, %.0f a second (%d by the interface's counter); %d of %d honest items missing; a receiver: CPU %v, %.1f us a packet sent, heap %.1f MiB, RSS %.1f MiB; of them it heard %d, foreign %d, forged %d, oversize %d, dropped by the system %d; %d items by digests; %+v",
				sent, flood.Took.Round(time.Millisecond), float64(sent)/flood.Took.Seconds(), wireAfter.Sent.Packets-wire.Sent.Packets, missing, want,
				cpu.Round(time.Millisecond), float64(cpu.Microseconds())/float64(sent), after.HeapMiB, after.RSSMiB,
				after.Driver.Heard-before.Driver.Heard, after.Driver.Foreign-before.Driver.Foreign, after.Driver.Forged-before.Driver.Forged,
				after.Driver.Oversize-before.Driver.Oversize, after.Driver.KernelDropped-before.Driver.KernelDropped, after.Repaired, after.IPMC.Stats)
			if missing > 0 {
				t.Errorf("%d honest items are missing", missing)
			}
			if after.HeapMiB > 128 {
				t.Errorf("%.0f MiB are in use", after.HeapMiB)
			}
		})
	}
}
