package detect

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

// Constants of a Meter (our guesses).
const (
	// MaxSamples is how many of the latest samples of each direction count.
	MaxSamples = 64
	// leastSample is how many bytes a sample must have to say something of bandwidth
	// rather than of buffers.
	leastSample = 16 << 10
	// leastTook is below what no network is meant, but the sender's buffer.
	leastTook = 100 * time.Microsecond
	// maxPackets halves the counts of packets: newer ones weigh more.
	maxPackets = 1 << 16
)

// Meter estimates an interface's bandwidths and loss from traffic that flows anyway.
// It makes none. It is a value without clock or lock; the zero Meter knows nothing.
//
// A transfer says how much there was room for at least: what was sent may have been
// all there was to send. So of the latest samples nearly the best counts, the one that
// an eighth of them are above: one that was cut short says nothing, and one that a
// buffer swallowed does not decide.
type Meter struct {
	up, down   rates
	sent, lost int
	rtt        time.Duration
}

// rates is a ring of the latest rates in bit/s.
type rates struct {
	list []float64
	next int
}

func (r *rates) add(bytes int, took time.Duration) {
	if bytes < leastSample || took < leastTook {
		return
	}
	v := float64(bytes) * 8 / took.Seconds()
	if len(r.list) < MaxSamples {
		r.list = append(r.list, v)
		return
	}
	r.list[r.next] = v
	r.next = (r.next + 1) % MaxSamples
}

// estimate is 0 with less than three samples: by one or two nothing is known.
func (r *rates) estimate() float64 {
	if len(r.list) < 3 {
		return 0
	}
	s := slices.Sorted(slices.Values(r.list))
	return s[len(s)-1-len(s)/8]
}

// Sent takes in that bytes were sent without a pause in a time.
func (m *Meter) Sent(bytes int, took time.Duration) { m.up.add(bytes, took) }

// Received takes in that bytes came without a pause in a time.
func (m *Meter) Received(bytes int, took time.Duration) { m.down.add(bytes, took) }

// Packets takes in that of so many packets some did not arrive.
func (m *Meter) Packets(sent, lost int) {
	if sent <= 0 || lost < 0 || lost > sent {
		return
	}
	for m.sent > maxPackets {
		m.sent, m.lost = m.sent/2, m.lost/2
	}
	sent, lost = min(sent, maxPackets), min(lost, maxPackets)
	m.sent, m.lost = m.sent+sent, m.lost+lost
}

// RTT takes in a round trip to the resolver.
func (m *Meter) RTT(d time.Duration) {
	if d > 0 {
		m.rtt = d
	}
}

// Measured is what is known so far.
func (m *Meter) Measured() euid.Measured {
	e := euid.Measured{RTT: m.rtt, Up: m.up.estimate(), Down: m.down.estimate()}
	if m.sent >= leastPackets {
		e.Sent, e.Lost = m.sent, m.lost
	}
	return e
}

// leastPackets is how many packets say something of loss (our guess: at 1% lost ten
// of them are).
const leastPackets = 1000
