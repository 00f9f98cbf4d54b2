package scenario

import (
	"math"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

func TestSpread(t *testing.T) {
	var s sample
	if s.spread(1) != nil || s.tail(1) != nil {
		t.Error("an empty sample has figures")
	}
	for v := range int32(1000) {
		s.add((v*7919)%1000 + 1) // 1 to 1000, in another order
	}
	if got, want := *s.spread(milliseconds), (Spread{Mean: 0.5005, P50: 0.5, P90: 0.9, P99: 0.99, Max: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := *s.tail(1), (Tail{P50: 500, P99: 990, Max: 1000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	one := sample{values: []int32{5}}
	if got := *one.tail(1); got != (Tail{5, 5, 5}) {
		t.Errorf("of one value: %+v", got)
	}
}

func TestHistogram(t *testing.T) {
	s := &sample{values: []int32{0, 999, 1000, 10_000, 9999, 99_999_999, 100_000_000, longest}}
	counts := histogram(s)
	for bin, want := range map[int]int{0: 2, 1: 1, 10: 1, 11: 1, 50: 3} {
		if counts[bin] != want {
			t.Errorf("bin %d, below %v ms, has %d, want %d", bin, HistogramEdge(bin), counts[bin], want)
		}
	}
	if HistogramEdge(-1) != 0 || HistogramEdge(0) != 1 || HistogramEdge(10) != 10 || !math.IsInf(HistogramEdge(HistogramBins-1), 1) {
		t.Error("the edges are not ten a decade")
	}
}

// got is a meter of three hosts, the first of which publishes an item a second from
// 1 s on; rows say after how many ms the two others get each.
func got(rows ...[2]int32) *meter {
	m := &meter{byID: make(map[protocol.ItemID]int32)}
	for range 3 {
		m.place, m.born = append(m.place, int32(len(m.place))), append(m.born, 0)
		m.died, m.adversary = append(m.died, protocol.Never), append(m.adversary, false)
	}
	for i, row := range rows {
		it := item{at: protocol.Time(time.Duration(i+1) * time.Second), after: []int32{never}}
		for _, ms := range row {
			if ms >= 0 {
				ms *= 1000
			}
			it.after = append(it.after, ms)
		}
		m.items = append(m.items, it)
	}
	return m
}

// "The smallest R such that every item published after kill + R reaches every
// survivor within twice the greatest latency before the kill."
func TestRecovered(t *testing.T) {
	const kill = protocol.Time(2500 * time.Millisecond)
	survivors := []int32{0, 1, 2}
	for _, c := range []struct {
		name string
		m    *meter
		want float64 // seconds, negative for none
	}{
		{"never ill", got([2]int32{10, 50}, [2]int32{10, 20}, [2]int32{100, 100}, [2]int32{1, 1}), 0},
		{"late twice", got([2]int32{10, 50}, [2]int32{10, 20}, [2]int32{101, 1}, [2]int32{1, 1}, [2]int32{1, 101}, [2]int32{1, 1}), 2.5},
		{"one never comes", got([2]int32{10, 50}, [2]int32{10, 20}, [2]int32{1, never}, [2]int32{1, 1}), 0.5},
		{"the last is late", got([2]int32{10, 50}, [2]int32{10, 20}, [2]int32{1, 1}, [2]int32{1, 101}), -1},
		{"nothing came before", got([2]int32{never, never}, [2]int32{never, 1000}, [2]int32{1, 1}), -1},
		{"nothing came after", got([2]int32{1, 1}, [2]int32{1, 1}), -1},
		// What was under way when the kill came is no measure of how it was before.
		{"under way", got([2]int32{10, 50}, [2]int32{10, 900}, [2]int32{101, 1}, [2]int32{1, 1}), 0.5},
	} {
		d, ok := c.m.recovered(kill, survivors)
		if ok != (c.want >= 0) || ok && d.Seconds() != c.want {
			t.Errorf("%s: %v %v, want %v", c.name, d, ok, c.want)
		}
	}
	first := got([2]int32{10, 50}, [2]int32{10, 50}, [2]int32{700, never}, [2]int32{10, 20}).firstAfter(kill, survivors)
	if tail := first.tail(seconds); *tail != (Tail{P50: 1.2, P99: 1.52, Max: 1.52}) {
		t.Errorf("first items after the kill: %+v", tail)
	}
}

// Survivors are honest and alive at the end; authors do not get their own.
func TestDelivery(t *testing.T) {
	m := got([2]int32{1, 1}, [2]int32{1, never}, [2]int32{never, 2})
	if ratio, lost := m.delivery(); ratio != 4./6 || lost != 2 {
		t.Errorf("%v, %d lost", ratio, lost)
	}
	m.died[1] = 5
	if ratio, lost := m.delivery(); ratio != 2./3 || lost != 1 {
		t.Errorf("one dead: %v, %d lost", ratio, lost)
	}
	m.adversary[2] = true
	if ratio, lost := m.delivery(); ratio != 1 || lost != 0 {
		t.Errorf("the other an adversary: %v, %d lost", ratio, lost)
	}
}

// Hosts that are there for half of the time count half.
func TestControl(t *testing.T) {
	m := got()
	m.born[1], m.died[2] = protocol.Time(6*time.Second), protocol.Time(3*time.Second)
	from := traffic{at: protocol.Time(2 * time.Second), Sent: sim.Sent{Bytes: 1000, Payload: 500}}
	to := traffic{at: protocol.Time(10 * time.Second), Sent: sim.Sent{Bytes: 10_000, Payload: 1500}}
	if c := m.control(from, to); c != 8000./(8+4+1) {
		t.Errorf("%v bytes a host and second", c)
	}
}
