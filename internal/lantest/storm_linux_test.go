package lantest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
	"github.com/quilt-p2p/quilt/ipmc"
)

// loseOne has the next packet with an item that a host sends be lost to all.
func loseOne(tb testing.TB, h *lab.Host) {
	tb.Helper()
	cmd := h.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader("flush ruleset\nadd table ip storm\nadd chain ip storm out { type filter hook output priority 0; }\n" +
		"add rule ip storm out ip daddr 239.0.0.0/8 meta length > 1000 quota until 2000 bytes drop\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("nft on %s: %v %s", h.Name(), err, out)
	}
}

// TestStormOnLAN: all receivers lose the same packet: three ask for it at most, and it is
// sent twice more at most.
func TestStormOnLAN(t *testing.T) {
	long(t)
	n, rounds := sized("QUILT_LANTEST_PEERS", 12)+1, 10
	l := stageLAN(t, n, "")
	list := members(t, l, n)
	settle(t, list)
	sum := func() (s ipmc.Stats) {
		for _, p := range list {
			r := p.report().IPMC.Stats
			s.Nacks += r.Nacks
			s.Repairs += r.Repairs
		}
		return s
	}
	for round := range rounds {
		before := sum()
		loseOne(t, hostAt(l, 0))
		list[0].do(order{Do: "publish", Items: 2, Size: 1024, Rate: 100})
		if missing := delivered(t, list, 2*(round+1)); missing > 0 {
			t.Fatalf("round %d: %d deliveries are missing", round, missing)
		}
		time.Sleep(time.Second)
		after := sum()
		nacks, repairs := after.Nacks-before.Nacks, after.Repairs-before.Repairs
		t.Logf("round %d: %d receivers lost it, %d asked, it was sent %d times more", round, n-1, nacks, repairs)
		if nacks < 1 || nacks > 3 || repairs < 1 || repairs > 2 {
			t.Errorf("round %d: %d asked, it was sent %d times more; want 3 and 2 at most", round, nacks, repairs)
		}
	}
}
