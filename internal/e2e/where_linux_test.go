package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// openKey is the key of tags in the open network, which peers are in unless told
// otherwise.
var openKey = euid.NetworkKey("")

// expected is the EUID that follows from what was built, without measurements and
// segment: the name of a segment is drawn by its members.
func expected(t lab.Truth) euid.EUID {
	var o euid.Observation
	for i, a := range t.Addrs {
		f := euid.IPv4
		if a.Is6() {
			f = euid.IPv6
		}
		o.Public[f] = t.Public[i]
		o.Reach[f] = [euid.NumTransports]euid.Direction{}
		for tr := range euid.NumTransports {
			o.Reach[f][tr] = directions[t.Kind][tr]
		}
	}
	o.Mapping, o.Filtering = mappings[t.Kind], euid.FilteringDependent
	if t.Kind == lab.LAN {
		o.Filtering = euid.FilteringNone
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

// directions by what stands before a host. By TCP there is no hole to punch: peers
// dial from other ports than they listen on.
var directions = map[lab.Kind][euid.NumTransports]euid.Direction{
	lab.LAN:       {euid.DirectionPublic, euid.DirectionPublic},
	lab.Cone:      {euid.DirectionPunchable, euid.DirectionUnreachable},
	lab.Firewall:  {euid.DirectionPunchable, euid.DirectionUnreachable},
	lab.Symmetric: {euid.DirectionUnreachable, euid.DirectionUnreachable},
}

var mappings = map[lab.Kind]euid.Mapping{lab.LAN: euid.MappingNone, lab.Cone: euid.MappingIndependent,
	lab.Firewall: euid.MappingNone, lab.Symmetric: euid.MappingDependent}

// published is what a host's peer tells others of its first interface.
func published(ctx context.Context, h *lab.Host) (euid.EUID, error) {
	e, err := h.Peer().Environment(ctx)
	if err != nil || len(e.NICs) == 0 || e.NICs[0].Encoded == "" {
		return euid.EUID{}, err
	}
	b, err := hex.DecodeString(e.NICs[0].Encoded)
	if err != nil {
		return euid.EUID{}, err
	}
	return euid.Parse(b)
}

func TestX(t *testing.T) {
	l := stage(t, sevenSites)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	begin := time.Now()
	first := run(t, ctx, l.Host("a1"), "")
	err := lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("started", time.Since(begin))
	last := make(map[string]string)
	for time.Since(begin) < 45*time.Second {
		for _, h := range l.Hosts() {
			e, err := published(ctx, h)
			if err != nil {
				t.Fatal(err)
			}
			e.RTT, e.Up, e.Down, e.Loss = 0, 0, 0, 0
			want := expected(h.Truth()[0])
			want.Segment = e.Segment
			s := e.String()
			if e == want {
				s = "RIGHT " + s
			}
			if last[h.Name()] != s {
				fmt.Printf("%6.1f %s %s\n", time.Since(begin).Seconds(), h.Name(), s)
				last[h.Name()] = s
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, h := range l.Hosts() {
		want := expected(h.Truth()[0])
		fmt.Println(h.Name(), "HAS", last[h.Name()])
		fmt.Println(h.Name(), "WANT", want.String())
		e, _ := h.Peer().Environment(ctx)
		for _, d := range e.NICs[0].Detected {
			fmt.Println("   ", d.Of, "|", d.Found, "|", d.By, "|", d.Why)
		}
		peers, _ := h.Peer().Peers(ctx)
		fmt.Println("   ", len(peers), h.Peer().Log())
	}
	_ = netip.Addr{}
}
