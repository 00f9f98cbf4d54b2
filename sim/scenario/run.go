package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// topicName is the topic that all hosts join.
const topicName = "simulated"

// slice is how much virtual time passes between two looks at whether to go on. It
// is the grain of VirtualSeconds.
const slice = 10 * time.Millisecond

// run is one experiment under way.
type run struct {
	s     Scenario // with defaults
	o     Options
	world *world
	net   *sim.Network
	meter *meter
	topic protocol.TopicID
	owner protocol.PeerID // of the feed; empty for an open topic, that of several publishers

	at       []int32 // the host that is, or was last, at each place; -1 for none yet
	contacts []int32 // hosts that anyone can dial, the dead among them
	cut      bool

	killAt, cutAt, healAt protocol.Time // Never for not yet
	phase                 string
	end                   time.Duration // the latest
	progress              progress
	bounds                bounds
	trees                 trees
	broken                error // the first invariant that did not hold
	attack                *attack
	tracer                *tracer
}

// Run runs an experiment to its end: until every survivor has everything, or
// Scenario.Drain after the last item. Errors are of Validate, of the topology, the
// context's, that of Options.Progress, or an *InvariantError. Where the context ends when
// all items are published, what it came to by then is returned beside the error: what was
// still to come counts as lost.
func Run(ctx context.Context, s Scenario, o Options) (*Result, *Details, error) {
	r, err := newRun(s, o)
	if err != nil {
		return nil, nil, err
	}
	defer r.explainPanic()
	err = r.play(ctx)
	if err != nil && !(r.phase == phaseDraining && errors.Is(err, ctx.Err())) {
		return nil, nil, err
	}
	return r.result(), r.details(), err
}

// newRun makes everything ready for the first event.
func newRun(s Scenario, o Options) (*run, error) {
	s = s.WithDefaults()
	if err := s.Validate(o); err != nil {
		return nil, err
	}
	w, err := newWorld(&s, &o)
	if err != nil {
		return nil, err
	}
	r := &run{s: s, o: o, world: w, topic: protocol.TopicOf(topicName),
		at: make([]int32, len(w.topo.Hosts)), killAt: protocol.Never, cutAt: protocol.Never, healAt: protocol.Never,
		phase: phaseJoining, bounds: shipped()}
	for i := range r.at {
		r.at[i] = -1
	}
	r.meter = newMeter(w)
	r.attack = newAttack(s.Attack)
	publishers := r.publisherIDs()
	if len(publishers) == 1 {
		r.owner = publishers[0]
	}
	if r.attack != nil {
		r.attack.against(publishers)
	}
	if r.tracer, err = newTracer(r); err != nil {
		return nil, err
	}
	r.net = sim.New(r.config())
	return r, nil
}

// config is what the network is made from.
func (r *run) config() sim.Config {
	cfg := sim.Config{
		Seed: r.s.Seed, Topology: r.world.topo, Jitter: r.s.Jitter, Processing: max(r.s.Processing, 0),
		Loss: r.s.Loss, Codec: r.s.Codec, Plugin: r.world.plugin,
		Delivered: r.delivered, Copied: r.meter.copied, Pieced: r.meter.pieced, Lanes: r.o.Lanes, Beside: r.o.Beside,
	}
	if r.o.Check {
		cfg.After = r.check
	}
	return cfg
}

// play runs the timeline, then lets what is under way arrive.
func (r *run) play(ctx context.Context) error {
	list := r.world.timeline(&r.s)
	r.end = list[len(list)-1].at + r.s.Drain
	for _, st := range list {
		if err := r.advance(ctx, st.at); err != nil {
			return err
		}
		r.do(st)
	}
	r.phase = phaseDraining
	r.meter.awaitRest()
	for time.Duration(r.net.Now()) < r.end && r.meter.missing > 0 {
		if err := r.advance(ctx, min(time.Duration(r.net.Now())+slice, r.end)); err != nil {
			return err
		}
	}
	r.checkTrees()
	return cmp.Or(r.broken, r.report(ctx, true))
}

// advance lets time pass, in slices.
func (r *run) advance(ctx context.Context, until time.Duration) error {
	for {
		now := time.Duration(r.net.Now())
		next := min(until, now-now%slice+slice)
		r.net.Run(next)
		if err := cmp.Or(r.broken, r.tracer.failed(), r.report(ctx, false)); err != nil {
			return err
		}
		if next == until {
			return nil
		}
	}
}

// publish publishes item i, from 0: publishers take turns. Those of the dead go to
// the next that lives.
func (r *run) publish(i int) {
	h := r.publisherAt(i)
	for turn := i; !h.Alive(); h = r.publisherAt(turn) {
		turn++
	}
	r.meter.expect(r.net.Now(), h) // before: its own core has it at once
	r.tracer.publishes(i)
	if r.s.isLarge() {
		r.meter.published(i, h.PublishLarge(topicName, content(i, r.s.Size)))
		return
	}
	it := h.Publish(topicName, payload(i, r.s.Size))
	r.meter.published(i, it)
}

// publisherAt is the publisher whose turn a number is.
func (r *run) publisherAt(turn int) *sim.Host {
	return r.net.Hosts()[r.at[r.world.publishers[turn%len(r.world.publishers)]]]
}

// payload is the data of an item, different from that of others.
func payload(i, size int) []byte {
	data := make([]byte, size)
	copy(data, fmt.Sprintf("item %d", i+1))
	return data
}

// explainPanic adds to a panic, of the simulator or of a protocol that it runs, the
// command that replays it.
func (r *run) explainPanic() {
	if p := recover(); p != nil {
		panic(strings.TrimSpace(fmt.Sprintf("%v\nreplay: %s", p, r.s.Command())))
	}
}
