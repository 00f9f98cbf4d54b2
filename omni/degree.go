package omni

import (
	"math"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// usable is the share of an uplink that copies of items may take on average: the
	// rest is for repair, control and all else that the host does (our guess).
	usable = 0.5
	// unknownUp is the uplink in Mbit/s of a host that has not measured it (our guess).
	unknownUp = 10
	// maxNICs bounds the interfaces that count.
	maxNICs = 4
	// usualSize and usualFlow stand for what has not been measured yet: an item's bytes,
	// and all items' bytes a second (our guesses).
	usualSize = 1100
	usualFlow = 11_000
	// flowWindow is the time over which the flow is measured.
	flowWindow = 10 * time.Second
	// spareForOrphans is how many places are kept for peers without a parent (our
	// guess); hosts with few places keep none.
	spareForOrphans = 2
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
				switch d := e.Reach[f][tr]; {
				case d == euid.DirectionPublic:
					return ReachPublic
				case d == euid.DirectionPunchable && e.Mapping != euid.MappingDependent:
					best = ReachPunch
				case (d == euid.DirectionUnreachable || d == euid.DirectionPunchable) && best == ReachUnknown:
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
		if least, above := e.Up.Bounds(); e.Up > 0 {
			if math.IsInf(above, 1) {
				above = 2 * least
			}
			mbps = max(mbps, math.Sqrt(max(least, 0.25)*above)) // the middle of the range
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

// flow measures the items.
type flow struct {
	size  float64 // mean of an item; 0 for unknown
	rate  float64 // bytes a second; 0 for unknown
	bytes float64 // in the window that began at since
	since protocol.Time
}

func (f *flow) add(now protocol.Time, size int) {
	if f.size == 0 {
		f.size, f.since = float64(size), now
	}
	f.size += (float64(size) - f.size) / 8
	f.bytes += float64(size)
	if passed := now.Sub(f.since); passed >= flowWindow {
		f.rate = f.bytes / passed.Seconds()
		f.bytes, f.since = 0, now
	}
}

// serial is how long the uplink takes for one item.
func (m *Machine) serial() time.Duration {
	size := m.flow.size
	if size == 0 {
		size = usualSize
	}
	return time.Duration(size / m.up() * float64(time.Second))
}

// bound is how many children this host may have: what of its uplink may be used, over
// what the items take. The root has one at least, which does the fan-out for it.
func (m *Machine) bound() int {
	rate := m.flow.rate
	if rate == 0 {
		rate = usualFlow
	}
	n := min(int(usable*m.up()/rate), m.cfg.MaxDegree)
	if m.isRoot() {
		n = max(n, 1)
	}
	return max(n, 0)
}

// spare is how many places are left: for a peer with a parent some are kept.
func (m *Machine) spare(orphan bool) int {
	b := m.bound()
	if !orphan && b > 3*spareForOrphans {
		b -= spareForOrphans
	}
	return max(b-len(m.children), 0)
}
