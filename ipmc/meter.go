package ipmc

import (
	"math"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// How much is lost on the way here is measured for each stream by itself, and for each
// peer's beacons: whoever may send to the group can leave out positions of his own, and
// must not have everybody believe that multicast is broken. What counts is the stream
// of which the least is lost; where none is sent the middle one of all peers' beacons.
const (
	// The share of a stream is taken over lossSamples positions, about, or those of the
	// last lossTime, if there are more: repairs come in heaps, and a heap is no share.
	lossSamples = 64
	lossTime    = 8 * time.Second
	// enough is how many positions say something about a stream, and recent how old the
	// last of them may be.
	enough = 32
	recent = 30 * time.Second
	// beaconSamples is over how many beacons of a peer the share is taken, about;
	// fewPeers are too few for that to mean anything. What was measured is then
	// forgotten by and by, forgetting of it each judgeEvery.
	beaconSamples = 8
	fewPeers      = 3
	forgetting    = 0.03
)

// meter measures what share of a stream is lost. The zero value is ready.
type meter struct {
	lost, total float64 // of positions; they fade
	noted       protocol.Time
}

// position notes what share of a position was lost.
func (m *meter) position(now protocol.Time, lost float64) {
	keep := math.Exp(-min(float64(now.Sub(m.noted))/float64(lossTime), 1.0/lossSamples))
	m.noted, m.lost, m.total = now, m.lost*keep+lost, m.total*keep+1
}

// share is what is lost of it; known where enough was measured of late.
func (m *meter) share(now protocol.Time) (share float64, known bool) {
	if m.total < enough || now > m.noted.Add(recent) {
		return 0, false
	}
	return m.lost / m.total, true
}

// lossNow is the share that is lost on the way here.
func (m *Machine) lossNow(now protocol.Time) float64 {
	least, any := 1.0, false
	for _, s := range m.order {
		if share, known := s.meter.share(now); known && !s.own {
			least, any = min(least, share), true
		}
	}
	if any {
		return least
	}
	var list []float64
	for i := range m.beacons.peers {
		list = append(list, m.beacons.peers[i].lost)
	}
	if len(list) < fewPeers {
		return m.health.loss * (1 - forgetting)
	}
	slices.Sort(list)
	return list[len(list)/2]
}
