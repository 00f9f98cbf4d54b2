package e2e

import (
	"context"
	bin "encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// castWire counts on a LAN what is sent to multicast groups of topics, and the
// datagrams and segments between hosts that are as large as those with an entry.
type castWire struct {
	mu             sync.Mutex
	between        int
	largeMulticast int
}

// large is how many bytes a frame with an entry has at least; what is said about
// entries has fewer.
const large = 1000

func (w *castWire) frame(b []byte) {
	if len(b) < 34 || bin.BigEndian.Uint16(b[12:]) != 0x0800 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case b[30] == 239 && len(b) >= large:
		w.largeMulticast++
	case len(b) >= large:
		w.between++
	}
}

// take returns what was counted since it was last called.
func (w *castWire) take() (multicast, unicast int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	multicast, unicast = w.largeMulticast, w.between
	w.largeMulticast, w.between = 0, 0
	return multicast, unicast
}

// fitness is how often a peer has said that multicast works, and that it does not.
func fitness(ctx context.Context, h *lab.Host) (fit, unfit uint64, err error) {
	st, err := h.Peer().Status(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range st.Counters {
		switch c.Name {
		case "health.fit":
			fit = c.Count
		case "health.unfit":
			unfit = c.Count
		}
	}
	return fit, unfit, nil
}

// awaitFitness waits until the peers of hosts have said so often that multicast works
// and that it does not, and says how long that took.
func awaitFitness(t *testing.T, ctx context.Context, hosts []*lab.Host, fit, unfit uint64) time.Duration {
	t.Helper()
	begin := time.Now()
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		return lab.Until(ctx, func() (bool, error) {
			f, u, err := fitness(ctx, h)
			return f >= fit && u >= unfit, err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

// loseMulticast has a host lose a share of what comes by multicast, in percent.
func loseMulticast(t *testing.T, h *lab.Host, percent int) {
	t.Helper()
	rules := fmt.Sprintf("flush ruleset\nadd table ip lossy\nadd chain ip lossy in { type filter hook input priority 0; }\n"+
		"add rule ip lossy in ip daddr 224.0.0.0/4 udp dport >= 61000 numgen random mod 100 < %d drop\n", percent)
	cmd := h.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft on %s: %v %s", h.Name(), err, out)
	}
}

// castLAN starts peers with multicast on a LAN, all of which follow one feed.
func castLAN(t *testing.T, ctx context.Context, hosts int) (l *lab.Lab, feed string, w *castWire) {
	t.Helper()
	names := make([]string, hosts)
	for i := range names {
		names[i] = fmt.Sprintf("h%d", i)
	}
	l = stage(t, "site home lan hosts="+strings.Join(names, ",")+"\n")
	ticket := ""
	for _, h := range l.Hosts() {
		args := []string{"--ipmc", "eth0", "--no-mdns"}
		if ticket != "" {
			args = append(args, "--join", ticket)
		}
		p, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		ticket = p.Ticket
	}
	f, err := l.Hosts()[1].Peer().NewFeed(ctx, "news")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range l.Hosts() {
		if _, err := h.Peer().Follow(ctx, control.FollowRequest{Address: f.Address}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("multicast works at all %d after %v", hosts, awaitFitness(t, ctx, l.Hosts(), 1, 0).Round(time.Millisecond))
	w = &castWire{}
	if _, err := l.Capture("home", w.frame); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // what was said on the way to here has been said
	w.take()
	return l, f.Address, w
}

// kibibytes publishes n entries of 1 KiB, ten a second, and returns how many the feed has.
func kibibytes(t *testing.T, ctx context.Context, p *lab.Peer, address string, from, n uint64) uint64 {
	t.Helper()
	for i := from; i < from+n; i++ {
		body := control.NewBody(slices.Concat(fmt.Appendf(nil, "entry %d ", i), make([]byte, 1000)))
		if _, err := p.Publish(ctx, control.PublishRequest{Topic: address, Body: body}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return from + n
}

// TestLabMulticastStops: the switch of a LAN stops passing multicast, and passes it
// again. Everybody notices, gets everything over links meanwhile, and goes back to one
// packet an entry.
func TestLabMulticastStops(t *testing.T) {
	t.Parallel() // it waits more than it works
	const hosts, entries = 6, 30
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	l, feed, w := castLAN(t, ctx, hosts)
	author := l.Hosts()[1].Peer()
	have := uint64(0)
	stage := func(what string) (multicast, unicast int) {
		t.Helper()
		have = kibibytes(t, ctx, author, feed, have, entries)
		took := allHave(t, ctx, l, l.Hosts(), feed, have)
		multicast, unicast = w.take()
		t.Logf("%s: all have %d entries %v after the last; %d packets to the group and %d over links for %d entries",
			what, have, took.Round(time.Millisecond), multicast, unicast, entries)
		return multicast, unicast
	}
	if m, u := stage("at first"); m < entries || m > entries*11/10 || u > entries {
		t.Errorf("%d packets to the group and %d over links for %d entries", m, u, entries)
	}
	if err := l.SetMulticast("home", lab.Block); err != nil {
		t.Fatal(err)
	}
	stage("multicast has just stopped")
	t.Logf("all say so %v later", awaitFitness(t, ctx, l.Hosts(), 1, 1).Round(time.Millisecond))
	w.take()
	if _, u := stage("without multicast"); u < entries*(hosts-1) {
		t.Errorf("%d packets over links for %d entries", u, entries)
	}
	if err := l.SetMulticast("home", lab.Flood); err != nil {
		t.Fatal(err)
	}
	t.Logf("multicast works again, and all say so %v later", awaitFitness(t, ctx, l.Hosts(), 2, 1).Round(time.Millisecond))
	time.Sleep(5 * time.Second)
	w.take()
	if m, u := stage("in the end"); m < entries || m > entries*11/10 || u > entries {
		t.Errorf("%d packets to the group and %d over links for %d entries", m, u, entries)
	}
}

// TestLabBadReceiver: a host that loses 60% of what comes by multicast is told to use
// another way, gets everything by it, and costs the others neither time nor packets.
func TestLabBadReceiver(t *testing.T) {
	t.Parallel() // it waits more than it works
	const hosts, entries = 6, 150
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	l, feed, w := castLAN(t, ctx, hosts)
	all := l.Hosts()
	loseMulticast(t, all[5], 60)
	have := kibibytes(t, ctx, all[1].Peer(), feed, 0, entries)
	others := allHave(t, ctx, l, all[:5], feed, have)
	its := allHave(t, ctx, l, all[5:], feed, have)
	t.Logf("it says so; %v", awaitFitness(t, ctx, all[5:], 1, 1).Round(time.Millisecond))
	m, u := w.take()
	t.Logf("while it learns: the others have all %v after the last, it %v; %d packets to the group and %d over links for %d entries",
		others.Round(time.Millisecond), its.Round(time.Millisecond), m, u, entries)
	have = kibibytes(t, ctx, all[1].Peer(), feed, have, entries)
	others = allHave(t, ctx, l, all[:5], feed, have)
	its = allHave(t, ctx, l, all[5:], feed, have)
	m, u = w.take()
	t.Logf("then: the others have all %v after the last, it %v; %d packets to the group and %d over links for %d entries",
		others.Round(time.Millisecond), its.Round(time.Millisecond), m, u, entries)
	if uint64(m) > entries*11/10 {
		t.Errorf("%d packets to the group for %d entries", m, entries)
	}
	for _, h := range all[:5] {
		if _, unfit, err := fitness(ctx, h); err != nil || unfit > 0 {
			t.Errorf("%s has said %d times that multicast does not work, %v", h.Name(), unfit, err)
		}
	}
}

// TestLabFrozenReceiver: a host sleeps while so much is published that neither its
// system's buffer holds it nor those on the group remember it: once awake it catches up
// from what others have stored, and hears the group again.
func TestLabFrozenReceiver(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("thousands of entries; set QUILT_LONG")
	}
	t.Parallel()
	const hosts, entries = 4, 6000
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	l, feed, w := castLAN(t, ctx, hosts)
	all := l.Hosts()
	if err := all[3].Peer().Pause(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for i := range entries {
		body := control.NewBody(slices.Concat(fmt.Appendf(nil, "entry %d ", i), make([]byte, 1000)))
		if _, err := all[1].Peer().Publish(ctx, control.PublishRequest{Topic: feed, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	slept := time.Since(begin)
	allHave(t, ctx, l, all[:3], feed, entries)
	w.take()
	if err := all[3].Peer().Resume(); err != nil {
		t.Fatal(err)
	}
	took := allHave(t, ctx, l, all[3:], feed, entries)
	m, u := w.take()
	t.Logf("%d entries in %v while it slept; it has all %v after it woke, by %d packets to the group and %d over links",
		entries, slept.Round(time.Second), took.Round(time.Millisecond), m, u)
	if u < 100 { // of up to 64 KiB each
		t.Errorf("%d packets over links: the group remembered what it slept through", u)
	}
	have := kibibytes(t, ctx, all[1].Peer(), feed, entries, 10)
	allHave(t, ctx, l, all, feed, have)
}
