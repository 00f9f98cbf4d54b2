package scenario

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/sim"
)

// kill lets the victims die at once: whoever is at their places.
func (r *run) kill() {
	r.killAt = r.net.Now()
	how := (*sim.Host).Kill
	if r.s.KillMode == KillReset {
		how = (*sim.Host).Reset
	}
	for _, place := range r.world.cast.killed {
		r.die(place, how)
	}
}

// deaths draws when churn ends the hosts of each place, the publishers' excepted,
// from the first item to the last. Lifetimes are exponentially distributed, and as
// that distribution has no memory they may be drawn from the first item on.
func (w *world) deaths(s *Scenario) (list []step) {
	if s.Churn <= 0 {
		return nil
	}
	rng := stream(s.Seed, "churn")
	end := s.itemAt(s.Items - 1)
	for place := range w.role {
		at := s.Warmup + lifetime(s.Churn, rng)
		for ; at < end; at += lifetime(s.Churn, rng) {
			if !w.is(int32(place), publisher) {
				list = append(list, step{at, stepDie, int32(place)})
			}
		}
	}
	return list
}

func lifetime(mean time.Duration, rng *rand.Rand) time.Duration {
	return time.Duration(rng.ExpFloat64() * float64(mean))
}

// replace lets the host at a place die silently, and a newcomer take its place. One
// that is dead, or has not come yet, stays so.
func (r *run) replace(place int32) {
	if r.die(place, (*sim.Host).Kill) {
		r.join(place)
	}
}

// drawCut draws who is in the smaller part of a partition: whole locations, in an
// order that is drawn, as far as they fit, then of the next as many hosts as are
// wanting. With Scenario.Split every second publisher is, and the others are not.
func (w *world) drawCut(s *Scenario) error {
	n := len(w.role)
	want := int(s.Partition*float64(n) + 0.5)
	settled := make(map[int32]bool) // publishers, for lookup only
	if s.Split {
		for i, p := range w.publishers {
			if settled[p] = true; i%2 == 1 {
				w.mark([]int32{p}, cutOff)
				want--
			}
		}
		if want < 0 || want > n-len(settled) {
			return fmt.Errorf("--split: with --partition %v of %d hosts there is no room for half of %d publishers in both parts", s.Partition, n, len(w.publishers))
		}
	}
	if want == 0 {
		return nil
	}
	byLocation := make(map[int][]int32)
	var locations []int // in the order of the topology
	for p := range w.role {
		if settled[int32(p)] {
			continue
		}
		l := w.topo.Hosts[p].Location
		if byLocation[l] == nil {
			locations = append(locations, l)
		}
		byLocation[l] = append(byLocation[l], int32(p))
	}
	stream(s.Seed, "partition").Shuffle(len(locations), func(i, j int) { locations[i], locations[j] = locations[j], locations[i] })
	var rest []int32
	for _, l := range locations {
		if hosts := byLocation[l]; len(hosts) <= want {
			w.mark(hosts, cutOff)
			want -= len(hosts)
		} else {
			rest = append(rest, hosts...)
		}
	}
	w.mark(rest[:want], cutOff)
	return nil
}

// setCut cuts the network in two, or makes it whole again.
func (r *run) setCut(cut bool) {
	r.cut = cut
	if !cut {
		r.healAt = r.net.Now()
		r.net.Partition(nil)
		return
	}
	r.cutAt = r.net.Now()
	place, role := &r.meter.place, r.world.role
	r.net.Partition(func(a, b int) bool {
		return (role[(*place)[a]]^role[(*place)[b]])&cutOff != 0
	})
}
