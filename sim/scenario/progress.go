package scenario

import (
	"context"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// ProgressEvery is about how many events Options.Progress is called. It is called at
// every change of phase, too.
const ProgressEvery = 100_000

// The phases of Progress.
const (
	phaseJoining    = "joining"
	phaseWarming    = "warming up"
	phasePublishing = "publishing"
	phaseDraining   = "draining"
)

// progress is what is kept between two calls of Options.Progress.
type progress struct {
	phase  string
	events uint64
	at     protocol.Time
	rate   float64 // events per virtual second, of late
}

// report calls Options.Progress if it is time, and looks whether to go on.
func (r *run) report(ctx context.Context, last bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, events := &r.progress, r.net.Events()
	if r.o.Progress == nil || !last && r.phase == p.phase && events < p.events+ProgressEvery {
		return nil
	}
	if passed := r.net.Now().Sub(p.at); passed > 0 {
		p.rate = float64(events-p.events) / passed.Seconds()
	}
	p.phase, p.events, p.at = r.phase, events, r.net.Now()
	return r.o.Progress(r.howFar())
}

// howFar says how far the run is.
func (r *run) howFar() Progress {
	now := time.Duration(r.net.Now())
	p := Progress{Phase: r.phase, Now: now, End: r.end, Events: r.net.Events()}
	p.EventsLeft = uint64(r.progress.rate * max(0, r.end-r.s.Drain-now).Seconds())
	for h := range r.meter.place {
		if r.meter.died[h] == protocol.Never {
			p.Hosts++
		}
	}
	p.Delivered = int(r.meter.deliveries)
	p.Expected = max(p.Delivered, len(r.meter.items)*(p.Hosts-1))
	return p
}
