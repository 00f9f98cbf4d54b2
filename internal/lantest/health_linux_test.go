package lantest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// mute has nothing that a host sends by multicast leave it.
func mute(tb testing.TB, h *lab.Host) {
	tb.Helper()
	cmd := h.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader("flush ruleset\nadd table ip mute\nadd chain ip mute out { type filter hook output priority 0; }\n" +
		"add rule ip mute out ip daddr 239.0.0.0/8 drop\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("nft on %s: %v %s", h.Name(), err, out)
	}
}

// TestHealthOnLAN: who hears nobody, whom nobody hears, and who loses 60% each says so,
// and why; the others do not, and get everything at the sender's full pace. When it is
// over the first two say once that they are well again (the third needs longer to believe
// it). What did not come to the three by multicast has come over links.
func TestHealthOnLAN(t *testing.T) {
	long(t)
	t.Parallel()
	const n = 7
	l := stageLAN(t, n, "")
	list := linked(t, l, n)
	settle(t, list)
	says := func(p *process, fit bool) bool {
		f := p.report().Fit
		return len(f) > 0 && f[len(f)-1] == fit
	}
	until(t, "all to be fit", func() bool {
		for _, p := range list {
			if !says(p, true) {
				return false
			}
		}
		return true
	})
	items := 0
	publish := func() {
		list[0].do(order{Do: "publish", Items: 50, Size: 1024, Rate: 100})
		items += 50
	}
	bad := []struct {
		host int
		why  string
		do   func(*lab.Host)
	}{
		{4, "nobody says that they hear this peer", func(h *lab.Host) { mute(t, h) }},
		{5, "nobody is heard", func(h *lab.Host) { lose(t, h, 100) }},
		{6, "of what is sent is lost", func(h *lab.Host) { lose(t, h, 60) }},
	}
	for _, b := range bad {
		b.do(hostAt(l, b.host))
	}
	begin := time.Now()
	for _, b := range bad {
		until(t, b.why, func() bool { publish(); return says(list[b.host], false) })
		if why := list[b.host].report().Why; !strings.Contains(why, b.why) {
			t.Errorf("host %d says %q, want %q", b.host, why, b.why)
		}
		t.Logf("host %d says that %q %v later at most", b.host, list[b.host].report().Why, time.Since(begin).Round(time.Second))
	}
	publish()
	if missing := delivered(t, list, items); missing > 0 {
		t.Errorf("%d of %d deliveries are missing", missing, (n-1)*items)
	}
	for i, p := range list {
		r := p.report()
		t.Logf("host %d: %d links, %d positions of the group, %d items by digests, %d brought to the group", i, r.Links, r.IPMC.Stats.Received, r.Repaired, r.IPMC.Stats.Brought)
	}
	if r := list[0].report().IPMC; r.Rate < full/2 {
		t.Errorf("the sender's pace has sunk to %.0f bytes a second", r.Rate)
	}
	for _, b := range bad {
		lose(t, hostAt(l, b.host), 0)
	}
	begin = time.Now()
	for _, b := range bad[:2] {
		until(t, "both to be well again", func() bool { publish(); return says(list[b.host], true) })
	}
	t.Logf("both are well again %v later at most", time.Since(begin).Round(time.Second))
	for i, p := range list {
		f := p.report().Fit
		if want := []int{1, 1, 1, 1, 3, 3}; i < len(want) && len(f) != want[i] || len(f) > 3 {
			t.Errorf("host %d has said %v", i, f)
		}
	}
}

// full is the pace of a sender that nobody slows, in bytes a second.
const full = 12_500_000
