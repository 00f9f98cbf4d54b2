package share

import (
	"math/bits"
	"net/netip"
	"slices"
)

// Member is one host, as [Assign] sees it.
type Member struct {
	// Groups are those it wants, ascending, each once.
	Groups []netip.AddrPort
	// Bound is how many it may join.
	Bound int
}

// cluster is groups that share one.
type cluster struct {
	groups  []netip.AddrPort // ascending
	members []uint64         // one bit a member
}

func (c *cluster) has(m int) bool { return c.members[m/64]&(1<<(m%64)) != 0 }

// cost is how many (member, group) pairs are added that are heard and not wanted if two
// clusters share: each one's groups are heard by the members that only the other has.
// It takes all groups to be equally busy (our guess).
func cost(a, b *cluster) int {
	onlyA, onlyB := 0, 0
	for i := range a.members {
		onlyA += bits.OnesCount64(a.members[i] &^ b.members[i])
		onlyB += bits.OnesCount64(b.members[i] &^ a.members[i])
	}
	return onlyA*len(b.groups) + onlyB*len(a.groups)
}

// Assign puts groups together until no member has to join more than it may: of the
// member that is furthest above its bound, the two that cost the least, again and
// again ("merge the most similar": Dr. Multicast, section 4). It returns to which group
// each is sent, for those that are not sent to their own. The same members in the same
// order give the same result.
func Assign(members []Member) map[netip.AddrPort]netip.AddrPort {
	var all []*cluster // by lowest group
	words := (len(members) + 63) / 64
	for i, m := range members {
		for _, g := range m.Groups {
			k, known := slices.BinarySearchFunc(all, g, func(c *cluster, g netip.AddrPort) int { return c.groups[0].Compare(g) })
			if !known {
				all = slices.Insert(all, k, &cluster{groups: []netip.AddrPort{g}, members: make([]uint64, words)})
			}
			all[k].members[i/64] |= 1 << (i % 64)
		}
	}
	count := make([]int, len(members))
	for i := range members {
		for _, c := range all {
			if c.has(i) {
				count[i]++
			}
		}
	}
	for {
		worst := -1
		for i, m := range members {
			over := count[i] - max(m.Bound, MinBound)
			if over > 0 && (worst < 0 || over > count[worst]-max(members[worst].Bound, MinBound)) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		all = mergeOne(all, worst, count)
	}
	to := make(map[netip.AddrPort]netip.AddrPort)
	for _, c := range all {
		for _, g := range c.groups[1:] {
			to[g] = c.groups[0]
		}
	}
	return to
}

// mergeOne merges the two clusters of a member that cost the least.
func mergeOne(all []*cluster, member int, count []int) []*cluster {
	var its []int
	for k, c := range all {
		if c.has(member) {
			its = append(its, k)
		}
	}
	a, b, least := its[0], its[1], -1
	for x, i := range its {
		for _, k := range its[x+1:] {
			if c := cost(all[i], all[k]); least < 0 || c < least {
				a, b, least = i, k, c
			}
		}
	}
	for i := range count {
		if all[a].has(i) && all[b].has(i) {
			count[i]--
		}
	}
	all[a].groups = append(all[a].groups, all[b].groups...)
	slices.SortFunc(all[a].groups, netip.AddrPort.Compare)
	for i := range all[a].members {
		all[a].members[i] |= all[b].members[i]
	}
	return slices.Delete(all, b, b+1)
}
