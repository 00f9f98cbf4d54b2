package omni

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// primeValue is the value from which on a newcomer is offered a place among the first
	// (our guess).
	primeValue = 16
	// creditFor is for how long a child counts for its value, though its weight is less:
	// within that time others should have come to it (our guess).
	creditFor = 15 * time.Second
	// atOnce is within what time a host can send to as many as its room is worth (our guess).
	atOnce = 5 * time.Millisecond
	// promise is how many places are worth as much as one host below at first, promiseLast
	// after a long time, promiseHalf halves what is between (our guesses): a young tree
	// finds its hubs by what they could do, an old one has them.
	promise     = 2
	promiseLast = 10
	promiseHalf = 30 * time.Second
)

// Where an uplink is slow the first to be sent to is far better off than the last, and a
// fast host that is sent to first serves all others better than a slow one in its place.
// But it shows that only when it has the place. So a host counts for what it could do: see
// value.

// believed is a value as far as it can be: nobody has room for more than MaxChildren.
func believed(value, weight int) int { return min(value, weight+MaxChildren/promise) }

// rank orders children.
func (p *peer) rank() int { return max(p.weight, p.credit) }

// prime is what is offered to a newcomer of primeValue, a turn taking serial.
func (m *Machine) prime(serial time.Duration) time.Duration {
	before, after := 0, 0
	for _, c := range m.children {
		if c.rank() >= primeValue {
			before++
		} else {
			after += c.weight
		}
	}
	return micros(m.lat + time.Duration(before+1)*serial + time.Duration(after)*serial/primeValue)
}

// bid is which of two offers counts for this peer.
func (m *Machine) bid(now protocol.Time, offer, prime time.Duration) time.Duration {
	if m.value(now) >= primeValue {
		return prime
	}
	return offer
}

// bid is which of its two offers counts for a peer of a value.
func (s *sample) bid(value int) time.Duration {
	if value >= primeValue {
		return s.prime.duration()
	}
	return s.offer.duration()
}

// value is the number of hosts behind this peer, and what it could do for others in a
// better place: a host that anybody can reach and that has a good uplink should not be a
// leaf while one that serves nobody takes a place near the root.
func (m *Machine) value(now protocol.Time) int {
	room := max(m.bound()-len(m.children), 0)
	room = min(room, int(atOnce/max(m.serial(), 1)))
	if m.nics.reach() != ReachPublic {
		room = room * 3 / 4
	}
	young := math.Pow(0.5, now.Sub(m.started).Seconds()/promiseHalf.Seconds())
	return m.weight + int(float64(room)*(young/promise+(1-young)/promiseLast))
}
