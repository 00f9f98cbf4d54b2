package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// usable is the share of an uplink that pushed copies may take on average: the rest is
	// for what is asked for, control and all else that the host does (our guess).
	usable = 0.7
	// unknownUp is the uplink in Mbit/s of a host that has not measured it (our guess).
	unknownUp = 10
	// leastUp is what no uplink is taken to be below.
	leastUp = 0.5
	// maxNICs bounds the interfaces that count.
	maxNICs = 4
	// usualSize and usualFlow stand for what has not been measured yet: an item's bytes,
	// and a stream's bytes a second. A mesh must bear a hundred items a second from the
	// first on (our guess).
	usualSize = 1100
	usualFlow = 115_000
	// flowFirst and flowWindow are the times over which a flow is measured, at first and
	// later; flowItems is how many items the first measurement takes: a slow uplink has room
	// for one child only until it is known that the stream takes little.
	flowFirst  = 200 * time.Millisecond
	flowItems  = 4
	flowWindow = 10 * time.Second
)

// nicTable is what is known of this host's interfaces.
type nicTable struct {
	nics  []protocol.NIC
	known []euid.EUID
}

func (t *nicTable) change(in protocol.EUIDChanged) {
	i := slices.Index(t.nics, in.NIC)
	e, err := euid.Parse(in.EUID)
	switch {
	case in.EUID == nil || err != nil:
		if i >= 0 {
			t.nics, t.known = slices.Delete(t.nics, i, i+1), slices.Delete(t.known, i, i+1)
		}
	case i >= 0:
		t.known[i] = e
	case len(t.nics) < maxNICs:
		t.nics, t.known = append(t.nics, in.NIC), append(t.known, e)
	}
}

// reach is who can open a link to this host.
func (t *nicTable) reach() Reach {
	best := ReachUnknown
	for _, e := range t.known {
		for f := range euid.NumFamilies {
			for tr := range euid.NumTransports {
				switch e.Reach[f][tr] {
				case euid.DirectionPublic:
					return ReachPublic
				case euid.DirectionPunchable, euid.DirectionUnreachable:
					best = ReachNone
				}
			}
		}
	}
	return best
}

// up is the uplink in bytes a second.
func (m *Machine) up() float64 {
	mbps := 0.0
	for _, e := range m.nics.known {
		if least, _ := e.Up.Bounds(); e.Up > 0 {
			mbps = max(mbps, least, leastUp) // of a range: who promises more makes others wait
		}
	}
	if mbps == 0 {
		mbps = unknownUp
	}
	up := mbps * 1e6 / 8
	if m.budget > 0 {
		up = min(up, float64(m.budget))
	}
	return up
}

// flow measures what a stream takes.
type flow struct {
	size  float64 // mean of an item; 0 for unknown
	rate  float64 // bytes a second; 0 for unknown
	bytes float64 // in the window that began at since
	since protocol.Time
	items int
}

func (f *flow) add(now protocol.Time, size int) {
	if f.size == 0 {
		f.size, f.since = float64(size), now
	}
	f.size += (float64(size) - f.size) / 8
	f.bytes += float64(size)
	f.items++
	span := flowWindow
	if f.rate == 0 {
		span = flowFirst
	}
	if passed := now.Sub(f.since); passed >= span {
		if f.rate > 0 || f.items >= flowItems {
			f.rate = f.bytes / passed.Seconds()
		}
		f.bytes, f.since = 0, now
	}
}

func (f *flow) bytesPerSecond() float64 {
	if f.rate == 0 {
		return usualFlow
	}
	return f.rate
}

// serial is how long the uplink takes for one item of a stream.
func (m *Machine) serial(st *stream) time.Duration {
	size := st.flow.size
	if size == 0 {
		size = usualSize
	}
	return time.Duration(size / m.up() * float64(time.Second))
}

// load is what all that is pushed takes of the uplink, in bytes a second.
func (m *Machine) load() (sum float64) {
	for _, st := range m.streams.order {
		sum += float64(len(st.children)) * st.flow.bytesPerSecond()
	}
	return sum
}

// bound is how many children this host may have in a stream: what of its uplink may be
// used and is not used by other streams, over what the stream takes. The author's host has
// one at least, which does the fan-out for it.
func (m *Machine) bound(st *stream) int {
	rate := st.flow.bytesPerSecond()
	others := m.load() - float64(len(st.children))*rate
	n := int((usable*m.up() - others) / rate)
	if st.root {
		n = max(n, 1)
	}
	return min(max(n, 0), MaxChildren)
}

// spare is how many places are left.
func (m *Machine) spare(st *stream) int { return max(m.bound(st)-len(st.children), 0) }

// base is how long an item takes until it leaves here for the i-th child, from 0.
func (m *Machine) base(st *stream, i int) time.Duration {
	return st.lag + time.Duration(i+1)*m.serial(st)
}

// cost is what the children behind the i-th, with all below them, wait because it is served
// before them, over all that are below it.
func (m *Machine) cost(st *stream, i int) time.Duration {
	behind := 0
	for _, c := range st.children[i+1:] {
		behind += c.weight
	}
	return time.Duration(float64(m.serial(st)) * float64(behind) / float64(st.children[i].weight))
}

// price is what this peer's place costs for each that depends on it: its lag, and what
// others wait because of it. Peers that looked at their own lag alone would crowd where it
// is least, first of all those whom it costs least.
func (st *stream) price() time.Duration {
	if st.parent == nil {
		return st.lag
	}
	if r := st.known(st.parent); r != nil {
		return min(st.lag+r.stand.Cost, maxLag)
	}
	return st.lag
}

// value is what a place near the author is worth for this peer: its subtree, and what it
// could do for others there.
func (m *Machine) value(st *stream) int {
	return st.weight + min(m.spare(st), maxValue)
}

// maxValue bounds what spare places count for.
const maxValue = 64

// estimator is the smoothed mean and deviation of a duration, as in RFC 6298, section
// 2: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|, SRTT <- (1 - alpha) * SRTT +
// alpha * R'", alpha 1/8 and beta 1/4.
type estimator struct {
	mean, dev time.Duration
	samples   int
}

func (e *estimator) add(sample time.Duration) {
	sample = max(sample, 0)
	e.samples++
	if e.samples == 1 {
		e.mean, e.dev = sample, sample/2
		return
	}
	diff := max(e.mean-sample, sample-e.mean)
	e.dev += (diff - e.dev) / 4
	e.mean += (sample - e.mean) / 8
}

// bound is what a sample rarely exceeds: "RTO <- SRTT + max (G, K*RTTVAR), K = 4".
func (e *estimator) bound() time.Duration { return e.mean + 4*e.dev }
