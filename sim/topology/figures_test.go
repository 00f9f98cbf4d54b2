package topology

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is round trips between random pairs in ms, sorted, and the share of random
// triangles in which a direct path is longer than the one by a third host.
func sample(top *Topology, pairs int) (ms []float64, violated float64) {
	rng := seeded(99)
	n := len(top.Hosts)
	for len(ms) < pairs {
		a, b, c := rng.IntN(n), rng.IntN(n), rng.IntN(n)
		if a == b || b == c || a == c {
			continue
		}
		direct := top.RTT(a, b)
		ms = append(ms, direct.Seconds()*1e3)
		if direct > top.RTT(a, c)+top.RTT(c, b) {
			violated++
		}
	}
	slices.Sort(ms)
	return ms, violated / float64(pairs)
}

// within checks a figure against a target.
func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	t.Logf("%s: %.3g, want %.3g", what, got, want)
	if math.Abs(got-want) > share*want {
		t.Errorf("%s is %.3g: more than %.0f%% from %.3g", what, got, share*100, want)
	}
}

// mean is the mean over some networks of a figure.
func mean(t *testing.T, spec string, seeds int, figure func(*Topology) float64) float64 {
	t.Helper()
	sum := 0.0
	for seed := range seeds {
		sum += figure(named(t, spec, uint64(seed)))
	}
	return sum / float64(seeds)
}

// The figures of 1740 servers with coordinates fitted to the King data set: round
// trips between different servers, in ms.
func TestKingAgreesWithItsData(t *testing.T) {
	for _, q := range []struct{ at, want, share float64 }{
		{0.10, 51.4, 0.05}, {0.25, 87.4, 0.05}, {0.50, 160.9, 0.05}, {0.75, 239.1, 0.07}, {0.90, 336.9, 0.10},
	} {
		got := mean(t, "king:1740", 8, func(top *Topology) float64 {
			ms, _ := sample(top, 20_000)
			return ms[int(q.at*float64(len(ms)))]
		})
		within(t, "quantile", got, q.want, q.share)
	}
	if _, violated := sample(named(t, "king:1740", 1), 50_000); violated != 0 {
		t.Errorf("%v of triangles are violated, but coordinates are a metric", violated)
	}
}

func TestLognormalIsWhatItsDocumentationSays(t *testing.T) {
	figures := make([]float64, 5)
	const seeds = 8
	for seed := range uint64(seeds) {
		ms, violated := sample(named(t, "lognormal:1000", seed), 20_000)
		sum, squares := 0.0, 0.0
		for _, v := range ms {
			sum, squares = sum+math.Log(v), squares+math.Log(v)*math.Log(v)
		}
		n := float64(len(ms))
		for i, v := range []float64{ms[len(ms)/10], ms[len(ms)/2], ms[len(ms)*9/10], violated, math.Sqrt(squares/n - sum*sum/n/n)} {
			figures[i] += v / seeds
		}
	}
	within(t, "p10", figures[0], 30, 0.1)
	within(t, "median", figures[1], 60, 0.1)
	within(t, "p90", figures[2], 124, 0.1)
	within(t, "violated triangles", figures[3], 0.067, 0.2)
	within(t, "sigma", figures[4], 0.57, 0.05)
}

// Regions close to a third are close to each other: that is what makes the space
// more than random numbers. In independent log-normal distances the mean would be the
// median of all.
func TestLognormalHasNearAndFar(t *testing.T) {
	s := named(t, "lognormal:1000", 1).space.(*regional)
	nearest := func(r, but int) int {
		best := -1
		for k := range s.ms.n {
			if k != r && k != but && (best < 0 || *s.ms.at(r, k) < *s.ms.at(r, best)) {
				best = k
			}
		}
		return best
	}
	sum := 0.0
	for r := range s.ms.n {
		a := nearest(r, -1)
		sum += float64(*s.ms.at(a, nearest(r, a)))
	}
	if got := sum / float64(s.ms.n); got > lognormalMedianMS/2 {
		t.Errorf("the two regions nearest to one are %.1f ms from each other", got)
	}
}

// The shares of the synthetic data set of 951 hosts: counts of its table.
func TestPopulationAgreesWithItsData(t *testing.T) {
	for _, spec := range []string{"king:20000", "lognormal:20000"} {
		top := named(t, spec, 1)
		count := make(map[string]float64)
		hops := 0.0
		for i := range top.Hosts {
			h := &top.Hosts[i]
			count[h.NAT.String()]++
			count["natted"] += btof(h.NAT != NATNone)
			count["anycast"] += btof(slices.Contains(anycastResolvers, h.Resolver))
			count["stub"] += btof(h.Resolver == stubResolver)
			count["home"] += btof(h.Resolver == h.Hops[0])
			count["isp"] += btof(strings.HasPrefix(h.Resolver, "dns."))
			count["four hops"] += btof(len(h.Hops) == 4)
			for _, hop := range h.Hops[1:] {
				hops++
				count["silent"] += btof(hop == Silent)
			}
			if h.Hops[0] == Silent {
				t.Fatalf("%s: its own router is silent", h.Name)
			}
			if gateway := h.Hops[0] == h.Name+"-gw"; gateway == (h.NAT == NATCone || h.NAT == NATSymmetric) {
				t.Fatalf("%s is behind a %v, and its first hop is %s", h.Name, h.NAT, h.Hops[0])
			}
			if h.Multicast != "" {
				t.Fatalf("%s: IP multicast across the Internet", h.Name)
			}
			count["1 Mbit/s"] += btof(h.Up == 1 && h.Down == 10)
			count["5 Mbit/s"] += btof(h.Up == 5 && h.Down == 50)
			count["1 Gbit/s"] += btof(h.Up == 1000 && h.Down == 1000)
		}
		for _, want := range []struct {
			what  string
			share float64
		}{
			{"natted", 708. / 951}, {"none", 243. / 951}, {"cone", 527. / 951}, {"symmetric", 135. / 951}, {"firewall", 46. / 951},
			{"anycast", .14}, {"stub", .10}, {"home", 106. / 951}, {"isp", 624. / 951}, {"four hops", 173. / 951},
			{"1 Mbit/s", 137. / 951}, {"5 Mbit/s", 305. / 951}, {"1 Gbit/s", 78. / 951},
		} {
			within(t, spec+" "+want.what, count[want.what]/float64(len(top.Hosts)), want.share, 0.08)
		}
		within(t, spec+" silent", count["silent"]/hops, 245./2075, 0.05)
	}
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// 371 regions of 951 hosts, 230 of them of one host, the largest of 40.
func TestRegionsAgreeWithTheirData(t *testing.T) {
	var regions, single, largest float64
	const seeds = 50
	for seed := range uint64(seeds) {
		_, sizes := drawRegions(951, maxRegions, seeded(seed))
		regions += float64(len(sizes)) / seeds
		largest += float64(slices.Max(sizes)) / seeds
		for _, n := range sizes {
			single += btof(n == 1) / seeds
		}
	}
	within(t, "regions", regions, 371, 0.03)
	within(t, "of one host", single, 230, 0.05)
	within(t, "largest", largest, 40, 0.2)
	if _, sizes := drawRegions(20_000, 100, seeded(1)); len(sizes) != 100 {
		t.Errorf("%d regions where at most 100 are allowed", len(sizes))
	}
}

func TestAddresses(t *testing.T) {
	for _, spec := range []string{"king:100000", "lognormal:100000"} {
		top := named(t, spec, 1)
		owner := make(map[[2]byte]string) // of each /16
		given := make(map[[4]byte]bool)
		for i := range top.Hosts {
			h := &top.Hosts[i]
			ip := h.Addr.As4()
			if given[ip] || h.Addr.IsPrivate() || slices.Contains(special, int(ip[0])) || ip[3] == 0 || ip[3] == 255 {
				t.Fatalf("%s has the address %v", h.Name, h.Addr)
			}
			given[ip] = true
			network := [2]byte{ip[0], ip[1]}
			if other, ok := owner[network]; ok && other != h.Cluster {
				t.Fatalf("%v is in a /16 of %s and of %s", h.Addr, other, h.Cluster)
			}
			owner[network] = h.Cluster
		}
		if len(owner) < 5000 {
			t.Errorf("%s: only %d /16", spec, len(owner))
		}
	}
}

// An area whose /8 are used up takes from others; in the end every /16 is given out
// once.
func TestAddressesRunOut(t *testing.T) {
	a := newAddresses([]int{1, 1000}, seeded(1))
	seen := make(map[uint16]bool)
	for range 215 * 256 {
		n := a.network(0)
		if seen[n] {
			t.Fatalf("%d.%d.0.0/16 twice", n>>8, n&255)
		}
		seen[n] = true
	}
}

// The figures of Grid'5000: "9 sites, 25 clusters, 1528 hosts", one-way latencies
// between sites "0.8 to 10 ms, mean 5.7"; hosts per site are sums of SimGrid's
// clusters.
func TestGrid5000(t *testing.T) {
	top := named(t, "grid5000", 1)
	clusters, sites := make(map[string]bool), make(map[string]int)
	addrs := make(map[string]bool)
	first := []int{}
	for i := range top.Hosts {
		h := &top.Hosts[i]
		clusters[h.Cluster] = true
		addrs[h.Addr.String()] = true
		if sites[h.Multicast]++; sites[h.Multicast] == 1 {
			first = append(first, i)
		}
		if h.NAT != NATNone || h.Up != 1000 || h.Down != 1000 || len(h.Hops) != 3 {
			t.Fatalf("%+v", *h)
		}
	}
	if len(top.Hosts) != 1528 || len(clusters) != 25 || top.Locations() != 9 || len(addrs) != 1528 {
		t.Errorf("%d hosts, %d clusters, %d sites, %d addresses", len(top.Hosts), len(clusters), top.Locations(), len(addrs))
	}
	for site, n := range map[string]int{"orsay": 340, "nancy": 236, "rennes": 162, "bordeaux": 154, "sophia": 151,
		"lyon": 135, "toulouse": 132, "grenoble": 118, "lille": 100} {
		if sites[site] != n {
			t.Errorf("%s has %d hosts, want %d", site, sites[site], n)
		}
	}
	least, most, sum, pairs := time.Hour, time.Duration(0), time.Duration(0), 0
	for _, a := range first {
		for _, b := range first {
			if a != b {
				d := top.RTT(a, b)
				least, most, sum, pairs = min(least, d), max(most, d), sum+d, pairs+1
			}
		}
	}
	if least != 1614*time.Microsecond || most != 20242*time.Microsecond {
		t.Errorf("round trips between sites are %v to %v", least, most)
	}
	within(t, "mean one-way ms", (sum/time.Duration(2*pairs)).Seconds()*1e3, 5.7, 0.01)
	for _, tt := range []struct {
		a, b string
		want time.Duration
	}{
		{"gdx-1", "gdx-310", 200 * time.Microsecond},
		{"gdx-1", "netgdx-1", time.Millisecond},
		{"bordeplage-1", "violette-52", 16082 * time.Microsecond},
		{"griffon-3", "chicon-1", 7674 * time.Microsecond},
	} {
		index := func(name string) int {
			return slices.IndexFunc(top.Hosts, func(h Host) bool { return h.Name == name })
		}
		if got := top.RTT(index(tt.a), index(tt.b)); got != tt.want {
			t.Errorf("%s to %s: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
