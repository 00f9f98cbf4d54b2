package topology

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// named makes a built-in topology and validates it.
func named(t *testing.T, spec string, seed uint64) *Topology {
	t.Helper()
	top, err := Named(spec, seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	if err := top.Validate(); err != nil {
		t.Fatal(err)
	}
	if top.Name != spec {
		t.Errorf("%s is called %s", spec, top.Name)
	}
	return top
}

func TestNamedErrors(t *testing.T) {
	for spec, unknown := range map[string]bool{
		"": true, "internet951": true, "king2:5": true, "Grid5000": true, "./king": true,
		"grid5000:7": false, "king": false, "lognormal": false, "king:": false, "king:x": false,
		"king:-5": false, "king:+5": false, "king:1.5": false, "king:0": false, "king:1": false,
		"lognormal:100001": false, "lognormal:99999999999999999999": false, "king: 5": false, "king:5:5": false,
	} {
		_, err := Named(spec, seeded(1))
		switch {
		case err == nil:
			t.Errorf("%q was accepted", spec)
		case !strings.Contains(err.Error(), "grid5000") || !strings.Contains(err.Error(), "lognormal:N") || !strings.Contains(err.Error(), "king:N"):
			t.Errorf("%q: does not name the choices: %v", spec, err)
		case errors.Is(err, ErrUnknownName) != unknown:
			t.Errorf("%q: is ErrUnknownName: %v; want %v", spec, !unknown, unknown)
		}
	}
}

// The smallest, and a sweep over seeds at sizes around the steps of the draws.
func TestNamedIsValidForAnySeed(t *testing.T) {
	for _, kind := range []string{"lognormal", "king"} {
		for _, n := range []int{2, 3, 9, 10, 11, 101} {
			for seed := range uint64(20) {
				top := named(t, fmt.Sprintf("%s:%d", kind, n), seed)
				if len(top.Hosts) != n {
					t.Fatalf("%s:%d has %d hosts", kind, n, len(top.Hosts))
				}
				for a := range top.Hosts {
					for b := range a {
						if d := top.RTT(a, b); d <= 0 || d > MaxRTT || d != top.RTT(b, a) {
							t.Fatalf("%s:%d seed %d: RTT(%d, %d) = %v, back %v", kind, n, seed, a, b, d, top.RTT(b, a))
						}
					}
					if top.RTT(a, a) != 0 {
						t.Fatalf("a host is %v from itself", top.RTT(a, a))
					}
				}
			}
		}
	}
}

func TestNamedIsDeterministic(t *testing.T) {
	for _, spec := range []string{"lognormal:500", "king:500", "grid5000"} {
		if !reflect.DeepEqual(named(t, spec, 3), named(t, spec, 3)) {
			t.Errorf("%s: one seed made two topologies", spec)
		}
		if spec != "grid5000" && reflect.DeepEqual(named(t, spec, 3), named(t, spec, 4)) {
			t.Errorf("%s: two seeds made one topology", spec)
		}
	}
}

// maxBytesPerHost bounds what a large network keeps. Our measurement: 246 bytes.
const maxBytesPerHost = 300

func TestMemoryOfLargeNetworks(t *testing.T) {
	for _, spec := range []string{"king:100000", "lognormal:100000"} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		top, err := Named(spec, seeded(1))
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		bytes := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / MaxHosts
		t.Logf("%s: %d bytes a host", spec, bytes)
		if bytes > maxBytesPerHost {
			t.Errorf("%s: %d bytes a host, more than %d", spec, bytes, maxBytesPerHost)
		}
		if err := top.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkRTT(b *testing.B) {
	for _, spec := range []string{"grid5000", "lognormal:10000", "king:10000"} {
		b.Run(spec, func(b *testing.B) {
			top, err := Named(spec, seeded(1))
			if err != nil {
				b.Fatal(err)
			}
			var sum time.Duration
			for i := range b.N {
				sum += top.RTT(i%1000, (i*7+1)%1000)
			}
			if sum == 0 {
				b.Error("no distance at all")
			}
		})
	}
}

// TestLeastRTT: no two hosts are nearer, and the bound is of use.
func TestLeastRTT(t *testing.T) {
	for _, spec := range []string{"king:300", "lognormal:300", "grid5000", "lan:10"} {
		topo, err := Named(spec, rand.New(rand.NewPCG(1, 0)))
		if err != nil {
			t.Fatal(err)
		}
		least, bound := MaxRTT, topo.LeastRTT()
		for i := range topo.Hosts {
			for j := range i {
				least = min(least, topo.RTT(i, j))
			}
		}
		if bound > least || bound < least/8 {
			t.Errorf("%s: the bound is %v, the least round trip %v", spec, bound, least)
		}
	}
}
