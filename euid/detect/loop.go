package detect

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

// result is what a worker found on an interface of a generation.
type result struct {
	nic       protocol.NIC
	gen       int
	path      *path
	multicast *multicastNews
	answer    *answer
	survey    *surveyed
}

// nic is an interface that is looked at.
type nic struct {
	id     protocol.NIC
	gen    int // a new one with each change
	ifc    Interface
	ctx    context.Context // of the generation's workers
	cancel context.CancelFunc

	path      path
	traced    bool // once at least
	tracing   bool
	again     bool      // trace once more after this
	retrace   time.Time // when to trace anew
	settled   time.Time // when to report though nothing was traced; zero: now
	multicast multicastNews
	meter     Meter
	punched   ways[int]
	failed    ways[int]
	inquiries ways[inquiry]
	begun     time.Time // when this generation did
	surveys   [euid.NumFamilies]survey
	views     ways[view] // what others see of it

	report Report
	told   euid.Observation
	euid   euid.EUID // of what was told: for the hysteresis of ranges
	known  bool      // something was told
}

// loop is the goroutine that owns all that is known.
type loop struct {
	d       *Detector
	ctx     context.Context
	workers sync.WaitGroup
	events  <-chan any
	changed <-chan struct{}
	note    string

	first     time.Time // when the interfaces were looked at first
	nics      []*nic    // by number
	lastID    protocol.NIC
	skipped   []Skipped
	resolvers resolvers
	outside   outside
	lookAt    time.Time      // when to look at the interfaces; zero: nothing has changed
	pollAt    time.Time      // when to look at what nobody tells of
	mapAt     time.Time      // when to ask the mapper whether a router maps ports
	maps      bool           // it did
	pending   []protocol.NIC // of which there is something to tell
	asking    []asking       // all who have yet to answer
	askAt     time.Time      // when to look for more who can be asked; zero: nobody is wanted
	askPause  time.Duration  // after which
	dirty     bool           // something was learnt since the last refresh
}

// firstReport is how long the first report of an interface waits for its trace (our
// guess: its rounds and some, so that mostly one report says it all).
const firstReport = traceRounds*probeWait + time.Second

// run is the loop, until the context ends.
func (l *loop) run() {
	d := l.d
	l.pollAt = time.Now().Add(d.cfg.Poll)
	l.lookAtMapper(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		l.refresh(now)
		timer.Reset(l.deadline().Sub(now))
		out, change := l.next()
		select {
		case out <- change:
			l.said(change)
		case r := <-d.results:
			l.take(now, r)
		case s := <-d.samples:
			l.feed(s)
		case e, open := <-l.events:
			if !open {
				l.events = nil
				continue
			}
			l.dirty = l.hear(time.Now(), e) || l.dirty
		case _, open := <-l.changed:
			if !open {
				l.changed = nil
			}
			if l.lookAt.IsZero() {
				l.lookAt = now.Add(d.cfg.Settle)
			}
		case <-timer.C:
			l.due(time.Now())
		case <-l.ctx.Done():
			return
		}
	}
}

// next is the change to tell next, if there is one: else nobody is told.
func (l *loop) next() (chan<- Change, Change) {
	if len(l.pending) == 0 {
		return nil, Change{}
	}
	c := Change{NIC: l.pending[0], Gone: true}
	if n := l.find(c.NIC); n != nil {
		c.Gone, c.Report = false, n.report
	}
	return l.d.changes, c
}

// said notes that a change was told.
func (l *loop) said(c Change) { l.pending = l.pending[1:] }

// mark notes that there is something to tell.
func (l *loop) mark(id protocol.NIC) {
	if !slices.Contains(l.pending, id) {
		l.pending = append(l.pending, id)
	}
}

func (l *loop) find(id protocol.NIC) *nic {
	for _, n := range l.nics {
		if n.id == id {
			return n
		}
	}
	return nil
}

// deadline is when something is due.
func (l *loop) deadline() time.Time {
	t := l.pollAt
	sooner := func(u time.Time) {
		if !u.IsZero() && u.Before(t) {
			t = u
		}
	}
	sooner(l.lookAt)
	sooner(l.askAt)
	sooner(l.mapAt)
	for _, n := range l.nics {
		if l.d.cfg.Judges != nil {
			sooner(n.nextSurvey())
		}
		if !n.tracing {
			sooner(n.retrace)
		}
		if !n.traced {
			sooner(n.settled)
		}
	}
	return t
}

// due does what time has come for.
func (l *loop) due(now time.Time) {
	look := !l.lookAt.IsZero() && !now.Before(l.lookAt)
	if !now.Before(l.pollAt) {
		l.pollAt = now.Add(l.d.cfg.Poll)
		l.dirty = true // what was fed, and port mappings
		look = look || l.changed == nil
		l.findResolvers(now)
	}
	if !l.askAt.IsZero() && !now.Before(l.askAt) {
		l.askAt, l.dirty = time.Time{}, true
	}
	l.lookAtMapper(now)
	if look {
		l.lookAt = time.Time{}
		if err := l.look(now); err != nil {
			l.note = err.Error() // what was seen before stands
		}
	}
	for _, n := range l.nics {
		l.surveys(now, n)
		if !n.settled.IsZero() && !now.Before(n.settled) {
			n.settled, l.dirty = time.Time{}, true
		}
		if !n.tracing && !now.Before(n.retrace) {
			l.trace(now, n)
		}
	}
}

// mapperPause is how often the mapper is asked: it does not tell, asking costs nothing,
// and a router that maps ports makes all the difference (our guess).
const mapperPause = 2 * time.Second

// lookAtMapper notices that a router has begun to map ports, or does not any more.
func (l *loop) lookAtMapper(now time.Time) {
	if l.d.cfg.Mapper == nil || now.Before(l.mapAt) {
		return
	}
	l.mapAt = now.Add(mapperPause)
	if maps := l.d.cfg.Mapper.HasDiscoveredNAT(); maps != l.maps {
		l.maps, l.dirty = maps, true
	}
}

// take takes in what a worker found, unless its interface has changed since.
func (l *loop) take(now time.Time, r result) {
	if a := r.answer; a != nil {
		l.freed(now, a.judge)
		l.dirty = true // it may be asked something else
	}
	n := l.find(r.nic)
	if n == nil || n.gen != r.gen {
		return
	}
	l.dirty = true
	if r.path != nil {
		n.path, n.traced, n.tracing = r.path.after(n.path), true, false
		n.meter.RTT(r.path.rtt)
		if n.again {
			n.again = false
			l.trace(now, n)
		}
	}
	if r.answer != nil {
		l.answered(now, n, r.answer)
	}
	if r.survey != nil {
		l.surveyTaken(now, n, r.survey)
	}
	if r.multicast != nil {
		n.multicast = *r.multicast
	}
}

// feed takes in what traffic tells.
func (l *loop) feed(s Sample) {
	n := l.owner(s)
	if n == nil || s.Family >= euid.NumFamilies || s.Transport >= euid.NumTransports {
		return
	}
	switch s.Kind {
	case SampleSent:
		n.meter.Sent(s.Bytes, s.Took)
	case SampleReceived:
		n.meter.Received(s.Bytes, s.Took)
	case SamplePackets:
		n.meter.Packets(s.Sent, s.Lost)
	case SamplePunched:
		n.punched[s.Family][s.Transport]++
	case SamplePunchFailed:
		n.failed[s.Family][s.Transport]++
		n.surveys[s.Family].hint(time.Now()) // the NAT may have another address
	}
}

// owner is the interface of a sample.
func (l *loop) owner(s Sample) *nic {
	f := s.Family
	if s.Local.IsValid() && !s.Local.IsUnspecified() {
		for _, n := range l.nics {
			if n.ifc.owns(s.Local) {
				return n
			}
		}
		return nil
	}
	if k := exit(l.interfaces(), f); k >= 0 {
		return l.nics[k]
	}
	return nil
}

func (l *loop) interfaces() []Interface {
	list := make([]Interface, len(l.nics))
	for k, n := range l.nics {
		list[k] = n.ifc
	}
	return list
}

// trace starts a trace of an interface, or notes that one is wanted after that which
// is under way.
func (l *loop) trace(now time.Time, n *nic) {
	every := l.d.cfg.Every
	n.retrace = now.Add(every*3/4 + rand.N(every/2))
	if n.tracing {
		n.again = true
		return
	}
	n.tracing = true
	ifc, targets := n.ifc, l.resolvers.list
	l.work(n, func(ctx context.Context, tell func(result)) {
		p := traceAny(ctx, l.d.cfg.System, ifc, targets)
		tell(result{path: &p})
	})
}

// listen starts beacons on an interface.
func (l *loop) listen(n *nic) {
	if l.d.cfg.NoMulticast {
		n.multicast = multicastNews{why: "switched off"}
		return
	}
	ifc, cfg, me := n.ifc, &l.d.cfg, l.d.me
	l.work(n, func(ctx context.Context, tell func(result)) {
		listen(ctx, cfg.System, ifc, me, cfg.MulticastTTL, func(m multicastNews) { tell(result{multicast: &m}) })
	})
}

// work runs a worker of an interface's generation. What it tells waits for the loop,
// and for nothing when the generation has ended.
func (l *loop) work(n *nic, do func(ctx context.Context, tell func(result))) {
	ctx, id, gen := n.ctx, n.id, n.gen
	l.workers.Go(func() {
		do(ctx, func(r result) {
			r.nic, r.gen = id, gen
			select {
			case l.d.results <- r:
			case <-ctx.Done():
			}
		})
	})
}
