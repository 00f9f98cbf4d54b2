package detect

import (
	"cmp"
	"slices"

	"github.com/quilt-p2p/quilt/euid"
)

// MaxNICs bounds the interfaces looked at: what a peer's record has room for.
const MaxNICs = 4

// Skipped is an interface that is not looked at, and why.
type Skipped struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// choose picks the interfaces that lead somewhere, at most MaxNICs, those with default
// routes first and else by index, and says why not the others. It goes by what the
// kernel says, never by names.
func choose(all []Interface) (chosen []Interface, skipped []Skipped) {
	for _, i := range all {
		if why := useless(&i, all); why != "" {
			skipped = append(skipped, Skipped{i.Name, why})
			continue
		}
		chosen = append(chosen, i)
	}
	slices.SortStableFunc(chosen, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.Index, b.Index))
	})
	for len(chosen) > MaxNICs {
		last := chosen[len(chosen)-1]
		skipped = append(skipped, Skipped{last.Name, "there is room for four interfaces only"})
		chosen = chosen[:len(chosen)-1]
	}
	return chosen, skipped
}

// useless is why an interface leads nowhere, "" where it may.
func useless(i *Interface, all []Interface) string {
	switch {
	case i.Loopback:
		return "loopback"
	case !i.Running:
		return "down, or without a carrier"
	case i.Master != 0:
		return "part of another interface"
	case !i.has(euid.IPv4) && !i.has(euid.IPv6):
		return "no address that is good beyond its link"
	case i.Kind == "bridge" && !i.Default[euid.IPv4] && !i.Default[euid.IPv6] && inside(i, all):
		return "a bridge of virtual interfaces only: it leads nowhere outside this machine"
	}
	return ""
}

// inside reports whether all ports of a bridge end on this machine: containers,
// virtual machines.
func inside(bridge *Interface, all []Interface) bool {
	for _, p := range all {
		if p.Master == bridge.Index && p.Kind != "veth" && p.Kind != "tun" && p.Kind != "dummy" {
			return false
		}
	}
	return true
}

func rank(i *Interface) int {
	switch {
	case i.Default[euid.IPv4]:
		return 0
	case i.Default[euid.IPv6]:
		return 1
	}
	return 2
}

// exit is the index in the list of the interface by which what is sent to the family
// at large leaves, -1 for none: that with the default route of least metric.
func exit(list []Interface, f euid.Family) int {
	best := -1
	for k := range list {
		i := &list[k]
		if i.Default[f] && i.has(f) && (best < 0 || i.Metric[f] < list[best].Metric[f]) {
			best = k
		}
	}
	return best
}
