package share

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// group is the n-th of all groups.
func group(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, byte(n >> 8), byte(n)}), 61_000)
}

func groupsOf(list ...int) (g []netip.AddrPort) {
	slices.Sort(list)
	for _, n := range slices.Compact(list) {
		g = append(g, group(n))
	}
	return g
}

// joined are the groups that a member joins under an assignment.
func joined(m Member, to map[netip.AddrPort]netip.AddrPort) map[netip.AddrPort]bool {
	set := make(map[netip.AddrPort]bool)
	for _, g := range m.Groups {
		if t, ok := to[g]; ok {
			g = t
		}
		set[g] = true
	}
	return set
}

// unwanted counts the (member, group) pairs that are heard and not wanted.
func unwanted(members []Member, to map[netip.AddrPort]netip.AddrPort) (n int) {
	all := make(map[netip.AddrPort]bool)
	for _, m := range members {
		for _, g := range m.Groups {
			all[g] = true
		}
	}
	for _, m := range members {
		in := joined(m, to)
		for g := range all {
			t, ok := to[g]
			if !ok {
				t = g
			}
			if in[t] && !slices.Contains(m.Groups, g) {
				n++
			}
		}
	}
	return n
}

// TestAssignAlike: topics with the same members share before others; where nobody has
// too many none do.
func TestAssignAlike(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []Member
		want    map[netip.AddrPort]netip.AddrPort
	}{
		{"room for all", []Member{{groupsOf(1, 2, 3), 3}, {groupsOf(4, 5, 6), 3}}, nil},
		{"the example", []Member{{groupsOf(1, 2, 3, 4), 2}, {groupsOf(1, 2), 2}, {groupsOf(3, 4), 2}},
			map[netip.AddrPort]netip.AddrPort{group(2): group(1), group(4): group(3)}},
		{"crosswise", []Member{{groupsOf(1, 2, 3, 4), 2}, {groupsOf(1, 3), 2}, {groupsOf(2, 4), 2}},
			map[netip.AddrPort]netip.AddrPort{group(3): group(1), group(4): group(2)}},
		{"others' topics are left alone", []Member{{groupsOf(1, 2, 3), 2}, {groupsOf(3, 8), 2}, {groupsOf(9), 2}},
			map[netip.AddrPort]netip.AddrPort{group(2): group(1)}},
		{"room for one counts as two", []Member{{groupsOf(1, 2, 3), 1}, {groupsOf(3), 2}},
			map[netip.AddrPort]netip.AddrPort{group(2): group(1)}},
	} {
		if got := Assign(c.members); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestAssignBound: whatever is wanted, nobody joins more than it may, and it costs less
// than to let chance decide who shares.
func TestAssignBound(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var members []Member
		for range 5 + rng.IntN(100) {
			// Hosts have interests: topics of one or two fields, and some of all others.
			var list []int
			field := rng.IntN(6)
			for range 1 + rng.IntN(60) {
				if rng.IntN(5) == 0 {
					field = rng.IntN(6)
				}
				list = append(list, field*40+int(rng.ExpFloat64()*12)%40)
			}
			members = append(members, Member{groupsOf(list...), 2 + rng.IntN(14)})
		}
		to := Assign(members)
		least := 1 << 20
		for i, m := range members {
			if n := len(joined(m, to)); n > m.Bound {
				t.Errorf("seed %d: member %d joins %d groups of %d", seed, i, n, m.Bound)
			}
			least = min(least, m.Bound)
		}
		byChance := make(map[netip.AddrPort]netip.AddrPort)
		for n := least; n < 240; n++ {
			byChance[group(n)] = group(n % least)
		}
		got, chance := unwanted(members, to), unwanted(members, byChance)
		if got > chance*4/5 {
			t.Errorf("seed %d: %d unwanted pairs, by chance %d", seed, got, chance)
		}
	}
}

// TestAssignWorst: the most that can be claimed is decided upon.
func TestAssignWorst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var members []Member
	for i := range MaxHosts {
		var list []int
		for range 4 {
			list = append(list, rng.IntN(MaxKnown))
		}
		for k := range MaxGroups {
			if i < MaxKnown/MaxGroups {
				list = append(list, i*MaxGroups+k)
			}
		}
		members = append(members, Member{groupsOf(list[:min(len(list), MaxGroups)]...), 0})
	}
	to := Assign(members)
	for i, m := range members {
		if n := len(joined(m, to)); n > MinBound {
			t.Fatalf("member %d joins %d", i, n)
		}
	}
}
