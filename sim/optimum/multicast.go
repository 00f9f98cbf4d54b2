package optimum

import (
	"slices"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// Multicast is the least mean latency where hosts of one multicast domain hear what any
// of them sends to the group: the publisher sends to its own group; one host of every
// other domain, its entry, has the item by the quickest path and passes it on to its
// group, and so has each host without a domain. For each domain the entry is the best
// there is. The figures are those of a tree; sends counts transmissions, one to a group
// as one.
func Multicast(t *topology.Topology, cfg Config) (f Figures, sends int, err error) {
	in, err := New(t, cfg)
	if err != nil {
		return f, 0, err
	}
	members := make(map[string][]int32)
	var domains []string
	for x := range int32(in.n) {
		d := t.Hosts[x].Multicast
		if d == "" && x != in.root {
			d = "\x00" + t.Hosts[x].Name // alone
		}
		if members[d] == nil {
			domains = append(domains, d)
		}
		members[d] = append(members[d], x)
	}
	var sum, worst int64
	hops, quickest := 0, in.quickest()
	for _, d := range domains {
		best, entry := unlinked, none
		var last int64
		for _, e := range members[d] {
			if slices.Contains(members[d], in.root) != (e == in.root) {
				continue // the publisher is its own domain's entry
			}
			cost, slowest, ok := in.through(e, members[d], quickest[e])
			if ok && cost < best {
				best, last, entry = cost, slowest, e
			}
		}
		if entry == none {
			return f, 0, ErrInfeasible
		}
		sum, worst = sum+best, max(worst, last)
		if entry != in.root {
			sends++
			hops += len(members[d])*2 - 1
		} else {
			hops += len(members[d]) - 1
		}
		if len(members[d]) > 1 {
			sends++
			f.Depth = max(f.Depth, 2)
		}
	}
	others := float64(in.n - 1)
	var unicast int64
	for _, u := range in.unicast {
		unicast += u
	}
	f.Latency, f.Unicast, f.LatencyMax = float64(sum)/others/1e6, float64(unicast)/others/1e6, float64(worst)/1e6
	f.Stretch, f.Depth, f.DepthMean = f.Latency/f.Unicast, max(f.Depth, 1), float64(hops)/others
	return f, sends, nil
}

// through is when all members get the item, as a sum, and the last of them, if the
// entry has it at a time and sends it to their group.
func (in *Instance) through(entry int32, members []int32, at int64) (sum, last int64, ok bool) {
	if at == 0 && entry != in.root {
		return 0, 0, false
	}
	for _, x := range members {
		m := at
		if x != entry {
			m += in.hop(entry, x, 1)
		}
		sum, last = sum+m, max(last, m)
	}
	return sum, last, true
}
