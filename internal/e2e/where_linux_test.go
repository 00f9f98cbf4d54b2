package e2e

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// openKey is the key of tags in the open network, which peers are in unless told
// otherwise.
var openKey = euid.NetworkKey("")

// directions are what a host can be by what stands before it. By TCP there is no hole
// to punch: peers dial from other ports than they listen on.
var directions = map[lab.Kind][euid.NumTransports]euid.Direction{
	lab.LAN:       {euid.DirectionPublic, euid.DirectionPublic},
	lab.Cone:      {euid.DirectionPunchable, euid.DirectionUnreachable},
	lab.Firewall:  {euid.DirectionPunchable, euid.DirectionUnreachable},
	lab.Symmetric: {euid.DirectionUnreachable, euid.DirectionUnreachable},
	// What a NAT lets in counts as public only if it lets in strangers.
	lab.Restricted: {euid.DirectionPunchable, euid.DirectionUnreachable},
	lab.FullCone:   {euid.DirectionPublic, euid.DirectionUnreachable},
}

var mappings = map[lab.Kind]euid.Mapping{lab.LAN: euid.MappingNone, lab.Cone: euid.MappingIndependent,
	lab.Restricted: euid.MappingIndependent, lab.FullCone: euid.MappingIndependent,
	lab.Firewall: euid.MappingNone, lab.Symmetric: euid.MappingDependent}

// filterings are dependent where not named.
var filterings = map[lab.Kind]euid.Filtering{lab.LAN: euid.FilteringNone, lab.FullCone: euid.FilteringIndependent}

// expected is the EUID that follows from what was built, without the measurements, and
// without the segment, the name of which its members draw.
func expected(t lab.Truth) euid.EUID {
	var o euid.Observation
	for i, a := range t.Addrs {
		f := euid.IPv4
		if a.Is6() {
			f = euid.IPv6
		}
		o.Public[f], o.Reach[f] = t.Public[i], directions[t.Kind]
	}
	o.Mapping, o.Filtering = mappings[t.Kind], euid.FilteringDependent
	if f, ok := filterings[t.Kind]; ok {
		o.Filtering = f
	}
	if len(t.Resolvers) > 0 {
		o.Resolver = t.Resolvers[0].String()
		for _, h := range t.Hops[0] {
			if o.Hops = append(o.Hops, ""); h.IsValid() {
				o.Hops[len(o.Hops)-1] = h.String()
			}
		}
	}
	return o.EUID(openKey, euid.EUID{})
}

// told is what a host's peer tells others of its first interface, without measurements.
// That a relay helps is not built in: it is taken for what there is without.
func told(ctx context.Context, h *lab.Host) (euid.EUID, error) {
	e, err := h.Peer().Environment(ctx)
	if err != nil || len(e.NICs) == 0 || e.NICs[0].Encoded == "" {
		return euid.EUID{}, err
	}
	b, err := hex.DecodeString(e.NICs[0].Encoded)
	if err != nil {
		return euid.EUID{}, err
	}
	v, err := euid.Parse(b)
	v.RTT, v.Up, v.Down, v.Loss = 0, 0, 0, 0
	for f := range v.Reach {
		for t, d := range v.Reach[f] {
			if d == euid.DirectionRelayed {
				v.Reach[f][t] = euid.DirectionUnreachable
			}
		}
	}
	return v, err
}

// settle waits until every host's peer tells what was built, and returns how long that
// took each, from its start or what else began then.
func settle(ctx context.Context, hosts []*lab.Host, began func(*lab.Host) time.Time) (map[string]time.Duration, error) {
	var mu sync.Mutex
	took := make(map[string]time.Duration)
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		var got, want euid.EUID
		for {
			var err error
			want = expected(h.Truth()[0])
			if got, err = told(ctx, h); err != nil {
				return fmt.Errorf("it says %v, and was built as %v: %w\n%s", got, want, err, evidence(h))
			}
			want.Segment = got.Segment
			if got == want && (got.Segment != 0) == (len(h.Truth()[0].Hears) > 0) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("it says %v, and was built as %v\n%s", got, want, evidence(h))
			case <-time.After(100 * time.Millisecond):
			}
		}
		mu.Lock()
		defer mu.Unlock()
		took[h.Name()] = time.Since(began(h))
		return nil
	})
	return took, err
}

// evidence is what a host's peer has to say for itself.
func evidence(h *lab.Host) (text string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	e, err := h.Peer().Environment(ctx)
	if err != nil {
		return err.Error()
	}
	for _, n := range e.NICs {
		for _, d := range n.Detected {
			text += fmt.Sprintf("%s: %s: %s, by %s, %s\n", h.Name(), d.Of, d.Found, d.By, d.Why)
		}
	}
	return text
}

// segmentsMatch checks that those hosts have one segment who hear each other, and no
// others: names agree in the end, so it waits for that.
func segmentsMatch(ctx context.Context, hosts []*lab.Host) error {
	return lab.Until(ctx, func() (bool, error) {
		name := make(map[string]euid.Tag)
		for _, h := range hosts {
			e, err := told(ctx, h)
			if err != nil {
				return false, err
			}
			name[h.Name()] = e.Segment
		}
		for _, a := range hosts {
			for _, b := range hosts {
				together := slices.Contains(a.Truth()[0].Hears, b.Name())
				if a != b && (name[a.Name()] != 0 && name[a.Name()] == name[b.Name()]) != together {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// report logs the times by site, and all of them.
func report(t *testing.T, hosts []*lab.Host, took map[string]time.Duration) {
	t.Helper()
	bySite := make(map[string][]time.Duration)
	var sites []string
	var all []time.Duration
	for _, h := range hosts {
		s := fmt.Sprintf("%s (%s)", h.Site(), h.Truth()[0].Kind)
		if bySite[s] == nil {
			sites = append(sites, s)
		}
		bySite[s] = append(bySite[s], took[h.Name()])
		all = append(all, took[h.Name()])
	}
	line := func(name string, list []time.Duration) {
		slices.Sort(list)
		t.Logf("%-18s %2d peers tell what was built: median %5.1f s, worst %5.1f s", name, len(list), list[len(list)/2].Seconds(), list[len(list)-1].Seconds())
	}
	for _, s := range sites {
		line(s, bySite[s])
	}
	line("all", all)
}

// sixSites is a little of everything.
const sixSites = `
site dc1    lan       hosts=a1,a2     ip=46 path=a-edge,carrier resolver=dns1 multicast=snoop
site dc2    lan       hosts=b1,b2     ip=46 path=b-edge,*,carrier resolver=dns1
site home1  cone      hosts=c1,c2     path=c-access,*,city
site home2  symmetric hosts=d1        path=d-access,city resolver=dns2
site office firewall  hosts=f1        path=f-edge resolver=stub
site six    lan       hosts=g1        ip=6 path=g-edge,*,g-core resolver=dns1
link default delay=30ms loss=1% hops=x1
`

// TestLabWhere: every peer finds out where it is, and tells others: who can call it by
// each transport and family, its NAT, the routers before it, its resolver, and whom
// multicast reaches, as all that was built. Times are printed, from each peer's start;
// nothing is asserted of them.
func TestLabWhere(t *testing.T) {
	text := sixSites
	if os.Getenv("QUILT_LONG") != "" {
		text = sevenSites
	}
	l := stage(t, text)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	first := run(t, ctx, l.Host("a1"), "")
	begin := time.Now()
	hosts := l.Hosts()
	err := lab.Everywhere(hosts[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Since(begin)
	// Nobody waits for any of it: who knows nothing yet of where it is can publish.
	for _, h := range hosts {
		if _, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: "#where"}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Peer().Publish(ctx, control.PublishRequest{Topic: "#where", Body: control.NewBody([]byte(h.Name()))}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d peers started in %.1f s, and %.1f s later each had published", len(hosts), started.Seconds(), (time.Since(begin) - started).Seconds())
	took, err := settle(ctx, hosts, func(h *lab.Host) time.Time { return h.Peer().Started })
	if err = errors.Join(err, segmentsMatch(ctx, hosts)); err != nil {
		t.Fatalf("%v\nbetween sites: %+v", err, l.Counts())
	}
	report(t, hosts, took)
	// It stays so.
	for _, h := range hosts {
		want := expected(h.Truth()[0])
		got, err := told(ctx, h)
		if want.Segment = got.Segment; err != nil || got != want {
			t.Errorf("%s says %v, %v, after it had said %v", h.Name(), got, err, want)
		}
	}
}
