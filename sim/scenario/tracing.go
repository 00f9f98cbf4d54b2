package scenario

import (
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// tracer writes what goes in and out at one place, or all that concerns one item. A
// nil one writes nothing.
type tracer struct {
	r     *run
	w     io.Writer
	place int32 // noPlace where an item is followed
	// item is the one to follow, by its number from 0; id is known once it is published.
	item  int
	ready bool // it is published next
	id    protocol.ItemID
	err   error // of the first write that failed
}

const noPlace = -1

func newTracer(r *run) (*tracer, error) {
	t := &tracer{r: r, w: r.o.Trace, place: noPlace, item: r.o.TraceItem - 1}
	switch {
	case r.o.TraceItem > 0:
		return t, nil
	case r.o.TracePeer != "":
		var err error
		t.place, err = findHost(r.world.topo, "--trace", r.o.TracePeer)
		return t, err
	}
	return nil, nil
}

// around puts the tracer around what plays the host at a place.
func (t *tracer) around(place int32, wrap sim.Wrap) sim.Wrap {
	if t == nil || t.place != noPlace && t.place != place {
		return wrap
	}
	index := len(t.r.net.Hosts())
	return func(honest *core.Host, rng *rand.Rand) protocol.Machine {
		var m protocol.Machine = honest
		if wrap != nil {
			m = wrap(honest, rng)
		}
		return &traced{Machine: m, t: t, host: int32(index)}
	}
}

// publishes says that item i is published next.
func (t *tracer) publishes(i int) {
	if t != nil && t.place == noPlace && t.item == i {
		t.ready = true
	}
}

// traced is a machine at which the tracer looks.
type traced struct {
	protocol.Machine
	t    *tracer
	host int32
	out  protocol.Outbox
}

func (m *traced) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	if p, ok := in.(core.Published); ok && m.t.ready {
		m.t.ready, m.t.id = false, p.Item.ID
	}
	if m.t.wants(in) {
		m.t.line(now, m.host, "in ", m.t.input(in))
	}
	m.Machine.Handle(now, in, &m.out)
	m.pass(now, out)
}

func (m *traced) Advance(now protocol.Time, out *protocol.Outbox) {
	m.Machine.Advance(now, &m.out)
	if m.out.Len() > 0 && m.t.place != noPlace {
		m.t.line(now, m.host, "in ", "a deadline of its own")
	}
	m.pass(now, out)
}

// pass hands on what goes out.
func (m *traced) pass(now protocol.Time, out *protocol.Outbox) {
	for _, e := range m.out.Take() {
		if m.t.wants(e) {
			m.t.line(now, m.host, "out", m.t.effect(e))
		}
		out.Add(e)
	}
}

// wants reports whether an input or effect is to be written.
func (t *tracer) wants(x any) bool {
	return t.place != noPlace || t.id != protocol.ItemID{} && concerns(x, t.id, t.item, t.r)
}

// line writes one line: when, whose, which way, what.
func (t *tracer) line(now protocol.Time, host int32, way, what string) {
	if t.err != nil {
		return
	}
	sec, ns := now/1e9, now%1e9
	_, t.err = fmt.Fprintf(t.w, "%4d.%06ds  %-8s  %s  %s\n", sec, ns/1e3, t.r.name(t.r.net.Hosts()[host]), way, what)
}

// failed is why nothing more is written, nil if all is well.
func (t *tracer) failed() error {
	if t == nil || t.err == nil {
		return nil
	}
	return fmt.Errorf("--trace: %w", t.err)
}
