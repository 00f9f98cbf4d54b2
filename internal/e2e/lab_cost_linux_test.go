package e2e

import (
	"context"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// TestLabCost: what finding out where one is costs on the wire, counted as all that
// peers with detection carry more than peers without, at the same places and with the
// same to do. It is printed; what else differs between two runs (who chose whom for a
// neighbour) is in it.
func TestLabCost(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("watches idle peers for minutes; set QUILT_LONG")
	}
	type usage struct{ start, minute float64 }
	measure := func(args ...string) map[string]usage {
		l := stage(t, sixSites)
		ctx, cancel := context.WithTimeout(t.Context(), hang)
		defer cancel()
		total := func() map[string]uint64 {
			sum := make(map[string]uint64)
			for _, h := range l.Hosts() {
				u, err := h.Usage()
				if err != nil {
					t.Fatal(err)
				}
				sum[h.Name()] = u.Sent.Bytes + u.Received.Bytes
			}
			return sum
		}
		first, err := l.Host("a1").Start(ctx, lab.PeerConfig{Program: binary, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		err = lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
			_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: append([]string{"--join", first.Ticket}, args...)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		atStart := total()
		time.Sleep(60 * time.Second)
		later := total()
		of := make(map[string]usage)
		for name, n := range atStart {
			of[name] = usage{float64(n), float64(later[name] - n)}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return of
	}
	with, without := measure(), measure("--no-detect")
	var start, minute float64
	for name, u := range with {
		v := without[name]
		t.Logf("%s: with detection %.0f kB in the first 20 s and %.1f kB in the minute after, without %.0f and %.1f",
			name, u.start/1e3, u.minute/1e3, v.start/1e3, v.minute/1e3)
		start, minute = start+u.start-v.start, minute+u.minute-v.minute
	}
	n := float64(len(with))
	t.Logf("in the mean of %d peers detection costs %.1f kB at the start, and %.2f kB a minute later", len(with), start/n/1e3, minute/n/1e3)
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
	if per := int(traces+beacons) / n; per > 50_000 {
		t.Errorf("%d bytes a peer: more than 50 kB", per)
	}
}
