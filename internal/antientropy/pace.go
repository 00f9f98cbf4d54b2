package antientropy

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// pacer says when the next unprompted exchange with a random neighbour is due:
// soon after something changed, ever more rarely while nothing does.
type pacer struct {
	least, most time.Duration
	interval    time.Duration
	last, next  protocol.Time
}

// settle is how long after a change the next exchange is due at the earliest: the
// fast path should be through by then (our guess).
const settle = 2 * time.Second

func newPacer(cfg Config) pacer {
	return pacer{
		least:    cfg.MinInterval,
		most:     cfg.MaxInterval,
		interval: cfg.MinInterval,
		next:     protocol.Never,
	}
}

// start begins to count, unless it did already.
func (p *pacer) start(now protocol.Time, rng *rand.Rand) {
	if p.next == protocol.Never {
		p.last = now
		p.next = now.Add(jitter(p.interval, rng))
	}
}

// stop waits for the next start.
func (p *pacer) stop() { p.next = protocol.Never }

// changed brings the next exchange forward.
func (p *pacer) changed(now protocol.Time, rng *rand.Rand) {
	p.interval = p.least
	if p.next == protocol.Never {
		return
	}
	soon := max(now.Add(min(settle, p.least)), p.last.Add(p.least))
	if soon < p.next {
		p.next = now.Add(jitter(soon.Sub(now), rng))
	}
}

// due reports whether an exchange is due and if so, plans the next.
func (p *pacer) due(now protocol.Time, rng *rand.Rand) bool {
	if now < p.next {
		return false
	}
	p.last = now
	p.interval = min(p.interval*3/2, p.most)
	p.next = now.Add(jitter(p.interval, rng))
	return true
}

// jitter returns d give or take a quarter, at least a millisecond, so that peers
// that started together do not stay in step.
func jitter(d time.Duration, rng *rand.Rand) time.Duration {
	spread := 0.75 + rng.Float64()/2
	return max(time.Duration(float64(d)*spread), time.Millisecond)
}
