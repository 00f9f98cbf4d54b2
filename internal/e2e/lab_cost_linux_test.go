package e2e

import (
	"context"
	be "encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// flow is what goes between two addresses and ports, by UDP or TCP.
type flow struct {
	proto byte
	a, b  netip.AddrPort // a is the lesser
}

// flowOf reads a packet from the IP header on; false where there are no ports.
func flowOf(ip []byte) (f flow, ok bool) {
	var src, dst netip.Addr
	var rest []byte
	switch {
	case len(ip) >= 40 && ip[0]>>4 == 6:
		src, dst, f.proto, rest = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40])), ip[6], ip[40:]
	case len(ip) >= 20 && ip[0]>>4 == 4 && len(ip) >= int(ip[0]&15)*4:
		src, dst, f.proto, rest = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20])), ip[9], ip[ip[0]&15*4:]
	}
	if f.proto != 6 && f.proto != 17 || len(rest) < 4 {
		return f, false
	}
	f.a, f.b = netip.AddrPortFrom(src, be.BigEndian.Uint16(rest)), netip.AddrPortFrom(dst, be.BigEndian.Uint16(rest[2:]))
	if f.a.Compare(f.b) > 0 {
		f.a, f.b = f.b, f.a
	}
	return f, true
}

// traffic is what a flow has carried.
type traffic struct {
	bytes       int
	first, last time.Time
}

// ledger counts flows between sites.
type ledger struct {
	mu    sync.Mutex
	flows map[flow]*traffic
}

func (l *ledger) see(p lab.Passage) {
	f, ok := flowOf(p.Packet)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.flows[f]
	if t == nil {
		t = &traffic{first: time.Now()}
		l.flows[f] = t
	}
	t.bytes, t.last = t.bytes+len(p.Packet), time.Now()
}

// listenPorts are the UDP ports on which peers listen: all that links send by QUIC leaves
// from there.
func listenPorts(t *testing.T, ctx context.Context, hosts []*lab.Host) (ports []uint16) {
	t.Helper()
	for _, h := range hosts {
		s, err := h.Peer().Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range s.Addresses {
			if _, rest, ok := strings.Cut(a, "/udp/"); ok && !strings.Contains(a, "p2p-circuit") {
				p, _, _ := strings.Cut(rest, "/")
				if n, err := strconv.ParseUint(p, 10, 16); err == nil {
					ports = append(ports, uint16(n))
				}
			}
		}
	}
	return ports
}

// passing sums up and lists the flows that began since a time and lasted for a moment
// only: by UDP those that do not leave and arrive at ports that peers listen on, as links
// do; by TCP all, so some are in it that have nothing to do with detection.
func (l *ledger) passing(since time.Time, ports []uint16) (bytes int, list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f, t := range l.flows {
		if t.first.Before(since) || t.last.Sub(t.first) > moment || time.Since(t.last) < moment/2 ||
			f.proto == 17 && slices.Contains(ports, f.a.Port()) && slices.Contains(ports, f.b.Port()) && t.last.Sub(t.first) > moment/2 {
			continue
		}
		bytes += t.bytes
		list = append(list, fmt.Sprintf("%v %v, protocol %d: %d bytes from %v on, for %v", f.a, f.b, f.proto, t.bytes, t.first.Sub(since).Round(time.Second), t.last.Sub(t.first).Round(time.Second)))
	}
	slices.Sort(list)
	return bytes, list
}

// moment is longer than anybody is called on, or calls for somebody.
const moment = 25 * time.Second

// watched is how long idle peers are watched: verdicts are checked once after two minutes,
// which is of the start as much as of what comes later.
const watched = 6 * time.Minute

// What detection may cost a peer, in bytes: until it knows where it is, and in each
// minute later. On a busy machine answers come too late and are asked for again: then
// it was up to four times as much, and only beyond that the test fails.
const costAtStart, costPerMinute, busy = 50_000, 1_000, 5

// TestLabCost: what finding out where one is costs on the wire between sites: calling on
// others and being called, what peers ask and what they are asked, each byte once. Then,
// while nothing changes, next to nothing.
func TestLabCost(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("watches idle peers for minutes; set QUILT_LONG")
	}
	t.Parallel() // it waits most of its time
	l := stage(t, sixSites)
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	led := &ledger{flows: make(map[flow]*traffic)}
	l.Watch(led.see)
	begin := time.Now()
	startAll(t, ctx, l)
	n := len(l.Hosts())
	ports := listenPorts(t, ctx, l.Hosts())
	if _, err := settle(ctx, l.Hosts(), func(h *lab.Host) time.Time { return h.Peer().Started }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(moment)
	later := time.Now()
	bytes, list := led.passing(begin, ports)
	t.Logf("at the start %d bytes a peer (wanted %d), in %d connections of %d peers", bytes/n, costAtStart, len(list), n)
	if bytes/n > busy*costAtStart {
		t.Errorf("at the start %d bytes a peer, more than %d times %d", bytes/n, busy, costAtStart)
	}
	time.Sleep(watched + moment)
	bytes, list = led.passing(later, ports)
	began := time.Since(later) - moment/2 // in which what is counted has begun
	rate := float64(bytes) / float64(n) / began.Minutes()
	t.Logf("later %.0f bytes a peer and minute (wanted %d), in %d connections of %d peers in %v:", rate, costPerMinute, len(list), n, began)
	for _, f := range list {
		t.Log(f)
	}
	if rate > busy*costPerMinute {
		t.Errorf("later %.0f bytes a peer and minute, more than %d times %d", rate, busy, costPerMinute)
	}
}

// TestLabBeaconCost: of detection's own datagrams, which are known by their addresses,
// every byte on the LANs and between sites is counted: traces and beacons. They are few,
// and bounded by how they are made.
func TestLabBeaconCost(t *testing.T) {
	l := stage(t, sixSites)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	resolvers := make(map[netip.Addr]bool)
	for _, h := range l.Hosts() {
		for _, r := range h.Resolvers() {
			resolvers[r] = true
		}
	}
	var mu sync.Mutex
	var traces, beacons uint64
	for _, site := range []string{"dc1", "dc2", "home1", "home2", "office", "six"} {
		_, err := l.Capture(site, func(frame []byte) {
			src, dst, proto := lab.Addresses(frame)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case dst.IsMulticast() && proto == 17 && lab.Port(frame) == 40571:
				beacons += uint64(len(frame))
			case resolvers[dst] || resolvers[src] || proto == 1 || proto == 58 && !dst.IsLinkLocalUnicast() && !src.IsLinkLocalUnicast() && !dst.IsMulticast():
				traces += uint64(len(frame))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := run(t, ctx, l.Host("a1"), "")
	err := lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := settle(ctx, l.Hosts(), func(h *lab.Host) time.Time { return h.Peer().Started }); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	n := len(l.Hosts())
	t.Logf("until all %d peers told what was built: traces and ICMP %d bytes a peer, beacons %d", n, int(traces)/n, int(beacons)/n)
	if per := int(traces+beacons) / n; per > costAtStart/5 {
		t.Errorf("%d bytes a peer, more than %d", per, costAtStart/5)
	}
}
