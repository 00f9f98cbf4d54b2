package scenario

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A fifth of the hosts take pieces of a large item and send none: they are last in line.
// All others have the whole before the first of them does; then they get it too.
func TestFreeRidersComeLast(t *testing.T) {
	s := Scenario{Topology: "provider:40", Protocol: "donet", Items: 1, Size: 60_000_000, Adversaries: 0.2, Attack: "freeride", Seed: 1}
	r, err := newRun(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	watch(t, r, func(protocol.Time) {})
	if err := r.advance(context.Background(), time.Duration(r.net.Now())+3*time.Minute); err != nil {
		t.Fatal(err)
	}
	var honest, riders []int32
	it := &r.meter.items[0]
	for h := range int32(len(r.net.Hosts())) {
		after, ok := it.got(h)
		switch {
		case h == it.author:
		case !ok:
			t.Errorf("host %d, who gives: %v, has not got it; %s", h, !r.meter.adversary[h], s.Command())
		case r.meter.adversary[h]:
			riders = append(riders, after)
		default:
			honest = append(honest, after)
		}
	}
	if len(honest) == 0 || len(riders) == 0 {
		t.Fatalf("%d honest, %d riders have it", len(honest), len(riders))
	}
	last, first := time.Duration(slices.Max(honest))*time.Microsecond, time.Duration(slices.Min(riders))*time.Microsecond
	t.Logf("the last of %d honest hosts has all after %v, the first of %d others after %v", len(honest), last, len(riders), first)
	if first < last {
		t.Errorf("who takes only has all after %v, before one who gives, after %v; %s", first, last, s.Command())
	}
}
