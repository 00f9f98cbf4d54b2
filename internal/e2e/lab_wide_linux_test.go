package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// sevenSites has 30 peers: two data centres, three homes, an office behind a firewall, and
// a site that speaks IPv6 only and so meets nobody but the data centres.
const sevenSites = `
site dc1    lan       hosts=a1,a2,a3,a4,a5,a6,a7,a8,a9 ip=46 path=a-edge,carrier resolver=dns1 multicast=snoop
site dc2    lan       hosts=b1,b2,b3,b4,b5,b6,b7,b8,b9 ip=46 path=b-edge,*,carrier resolver=dns1
site home1  cone      hosts=c1,c2     path=c-access,*,city
site home2  symmetric hosts=d1,d2     path=d-access,city resolver=dns2
site home3  cone      hosts=e1,e2     path=*,e-access    resolver=stub multicast=block
site office firewall  hosts=f1,f2,f3  path=f-edge
site six    lan       hosts=g1,g2,g3  ip=6 path=g-edge   resolver=dns1
link default delay=75ms loss=2% hops=x1,x2
link dc1 dc2   delay=10ms loss=2%
link dc1 home1 delay=15ms loss=2%
`

// TestLabWide: on seven sites, with 2% loss and round trips of 20 to 150 ms, every peer
// says of itself what was built, every peer publishes, and every peer gets everything;
// holes are punched between the NATs that keep the port; those that do not are not tried
// for ever; and no entry goes by a relay, for all have better ways.
func TestLabWide(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("30 processes that all publish, and two minutes of watching them; set QUILT_LONG")
	}
	t.Parallel() // it waits most of its time
	l := stage(t, sevenSites)
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	startAll(t, ctx, l)
	hosts := l.Hosts()
	join(t, ctx, hosts, "#lab")
	took, err := settle(ctx, hosts, func(h *lab.Host) time.Time { return h.Peer().Started })
	if err != nil {
		t.Fatalf("%v\nbetween sites: %+v", err, l.Counts())
	}
	report(t, hosts, took)
	leaf := func(h *lab.Host) bool { return h.Truth()[0].Kind != lab.LAN }
	symmetric := func(h *lab.Host) bool { return h.Truth()[0].Kind == lab.Symmetric }
	awaitRoles(t, ctx, hosts, leaf)
	everyEntry(t, ctx, hosts, "#lab")
	err = lab.Until(ctx, func() (bool, error) {
		p := traversal(t, ctx, hosts, all).Punches
		return p.Succeeded+p.Reversed > 0, nil
	})
	if err != nil {
		t.Fatalf("no hole was punched: %v", err)
	}
	before := traversal(t, ctx, hosts, symmetric).Punches
	for _, topic := range []string{"#lab2", "#lab3"} {
		time.Sleep(time.Minute)
		join(t, ctx, hosts, topic)
		everyEntry(t, ctx, hosts, topic)
	}
	sum, stuck := traversal(t, ctx, hosts, all), traversal(t, ctx, hosts, symmetric)
	t.Logf("punches %+v; of those at the symmetric NAT %+v, two minutes before %+v; by relays %d bytes, %d of them of entries",
		sum.Punches, stuck.Punches, before, sum.RelayedBytes, sum.RelayedPayload)
	t.Logf("between sites: %+v", l.Counts())
	if sum.RelayedPayload != 0 {
		t.Errorf("%d bytes of entries went through relays", sum.RelayedPayload)
	}
	// A pair that fails rests for a minute, then two, four and so on; each series is three
	// tries, counted at both sides. There are 7 leaves for each of the two hosts to fail with.
	if most := uint64(2 * 7 * 3 * 2); stuck.Punches.Tried-before.Tried > most {
		t.Errorf("%d punches tried at the symmetric NAT within two minutes, want at most %d", stuck.Punches.Tried-before.Tried, most)
	}
}
