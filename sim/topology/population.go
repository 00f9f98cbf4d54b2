package topology

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// What hosts are, in the shares of the synthetic data set of 951 hosts in 371
// regions (74% behind a NAT or a firewall). The counts are from its table.
var (
	natCounts = []int{243, 527, 135, 46} // none, cone, symmetric, firewall

	// bandwidths are (up, down) in Mbit/s, drawn apart from all else.
	bandwidths      = [][2]float64{{1, 10}, {5, 50}, {20, 100}, {50, 300}, {200, 500}, {1000, 1000}}
	bandwidthCounts = []int{137, 305, 221, 114, 96, 78}

	// anycastResolvers say nothing about who is near.
	anycastResolvers = []string{"8.8.8.8", "1.1.1.1", "9.9.9.9"}
	anycastCounts    = []int{53, 42, 40}

	// homeRouters are the first hops of hosts behind a NAT.
	homeRouters = []string{"192.168.1.1", "10.0.0.1", "192.168.0.1"}
	homeCounts  = []int{320, 178, 164}
)

const (
	anycastShare = 0.14 // of all hosts
	stubShare    = 0.10 // of all hosts
	stubResolver = "127.0.0.53"
	homeShare    = 0.21  // of the other hosts behind a NAT (106 of 502): the home router resolves
	silentShare  = 0.118 // of hops but the first, which always answers (245 of 2075)
	aggShare     = 0.182 // of hosts have one more hop (173 of 951)
	aggPerRegion = 3
	hostsPerPop  = 6 // one more point of presence for each 6 hosts of a region
)

// world is what a region has that its hosts share.
type world struct {
	name, resolver, core string
	pops, aggs           []string
	networks             []uint16
}

// populate draws the hosts. of is the region of each, sizes and areas are the
// number of hosts and the area of each region; there are as many areas as weights.
func populate(of, sizes []int32, areas []int, weights []int, rng *rand.Rand) []Host {
	addrs := newAddresses(weights, rng)
	worlds := make([]world, len(sizes))
	for r := range worlds {
		worlds[r] = newWorld(r, areas[r], sizes[r], addrs)
	}
	digits := len(strconv.Itoa(len(of) - 1))
	hosts := make([]Host, len(of))
	hops := make([]string, 0, 4*len(of)) // of all hosts: one allocation
	for i := range hosts {
		w := &worlds[of[i]]
		h := &hosts[i]
		*h = Host{Name: fmt.Sprintf("h%0*d", digits, i), Cluster: w.name, Location: int(of[i])}
		h.Addr = addrs.address(w.networks[rng.IntN(len(w.networks))])
		h.NAT = NAT(drawWeighted(natCounts, rng))
		start := len(hops)
		hops = w.hops(hops, h, rng)
		h.Hops = hops[start:len(hops):len(hops)]
		h.Resolver = w.resolverOf(h, rng)
		b := bandwidths[drawWeighted(bandwidthCounts, rng)]
		h.Up, h.Down = b[0], b[1]
	}
	return hosts
}

func newWorld(region, area int, size int32, addrs *addresses) world {
	name := "as" + strconv.Itoa(region)
	w := world{name: name, resolver: "dns." + name, core: name + "-core", networks: addrs.networks(area, size)}
	for i := range max(1, int(size)/hostsPerPop) {
		w.pops = append(w.pops, name+"-pop"+strconv.Itoa(i))
	}
	for i := range aggPerRegion {
		w.aggs = append(w.aggs, name+"-agg"+strconv.Itoa(i))
	}
	return w
}

// hops draws a host's first hops: its own or its home's router, a point of presence,
// sometimes an aggregation router, the core.
func (w *world) hops(list []string, h *Host, rng *rand.Rand) []string {
	first := ""
	if h.NAT == NATCone || h.NAT == NATSymmetric {
		first = homeRouters[drawWeighted(homeCounts, rng)]
	} else {
		first = h.Name + "-gw"
	}
	list = append(list, first, w.pops[rng.IntN(len(w.pops))])
	further := len(list) - 1
	if rng.Float64() < aggShare {
		list = append(list, w.aggs[rng.IntN(len(w.aggs))])
	}
	list = append(list, w.core)
	for i := further; i < len(list); i++ {
		if rng.Float64() < silentShare {
			list[i] = Silent
		}
	}
	return list
}

// resolverOf draws a host's resolver.
func (w *world) resolverOf(h *Host, rng *rand.Rand) string {
	d := rng.Float64()
	switch {
	case d < anycastShare:
		return anycastResolvers[drawWeighted(anycastCounts, rng)]
	case d < anycastShare+stubShare:
		return stubResolver
	case (h.NAT == NATCone || h.NAT == NATSymmetric) && rng.Float64() < homeShare:
		return h.Hops[0]
	default:
		return w.resolver
	}
}
