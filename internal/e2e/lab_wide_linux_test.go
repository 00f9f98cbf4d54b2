package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// sevenSites: two data centres, three homes, an office behind a firewall, and a
// site that speaks IPv6 only and so meets nobody but the data centres.
const sevenSites = `
site dc1    lan       hosts=a1,a2,a3,a4,a5,a6,a7 ip=46 path=a-edge,carrier resolver=dns1 multicast=snoop
site dc2    lan       hosts=b1,b2,b3,b4,b5,b6,b7 ip=46 path=b-edge,*,carrier resolver=dns1
site home1  cone      hosts=c1,c2     path=c-access,*,city
site home2  symmetric hosts=d1,d2     path=d-access,city resolver=dns2
site home3  cone      hosts=e1,e2     path=*,e-access    resolver=stub multicast=block
site office firewall  hosts=f1,f2,f3  path=f-edge
site six    lan       hosts=g1,g2,g3  ip=6 path=g-edge   resolver=dns1
link default delay=75ms loss=2% hops=x1,x2
link dc1 dc2   delay=10ms loss=2%
link dc1 home1 delay=15ms loss=2%
`

// TestLabWide: on seven sites every peer publishes, and every peer gets everything.
func TestLabWide(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("26 processes that all publish; set QUILT_LONG")
	}
	l := stage(t, sevenSites)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	first := run(t, ctx, l.Host("a1"), "")
	begin := time.Now()
	err := lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	hosts := l.Hosts()
	topic := "#lab"
	for _, h := range hosts {
		_, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d peers started in %v", len(hosts), time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	for _, h := range hosts {
		body := control.NewBody([]byte(strings.Repeat(h.Name(), 100)))
		if _, err := h.Peer().Publish(ctx, control.PublishRequest{Topic: topic, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	err = lab.Everywhere(hosts, func(h *lab.Host) error {
		events, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic, Since: "all", Count: len(hosts)})
		if err != nil {
			return err
		}
		return events(func(control.Event) bool { return true })
	})
	t.Logf("every entry everywhere after %v; between sites: %+v", time.Since(begin).Round(time.Millisecond), l.Counts())
	if err != nil {
		t.Fatal(err)
	}
}
