package adversary

import (
	"math/rand/v2"
	"slices"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// machine is one attacker: a protocol.Machine that stands between an honest core
// and its driver.
type machine struct {
	honest *core.Host
	rng    *rand.Rand
	plot   *Plot
	how    conduct

	self   gossipmembership.Record
	links  []protocol.PeerID // that are up; sorted
	topics []joined          // in the order of joining; as many as the core has joined

	inner protocol.Outbox  // what the core wants done
	out   *protocol.Outbox // the driver's, during a call
}

// joined is a topic that the attacker has joined.
type joined struct {
	id    protocol.TopicID
	name  string
	owner protocol.PeerID
}

// conduct is what makes an attack of an honest core.
type conduct interface {
	// hear is shown an input first and returns what the core is told: the same,
	// another, or nil for nothing.
	hear(now protocol.Time, in protocol.Input) protocol.Input
	// emit is given every effect of the core and puts what is to become of it.
	emit(now protocol.Time, e protocol.Effect)
	// due is when act wants to be called.
	due() protocol.Time
	// act does what the core would never do.
	act(now protocol.Time)
}

// plain is honest conduct: what an attack does not say otherwise.
type plain struct{ m *machine }

func (plain) hear(_ protocol.Time, in protocol.Input) protocol.Input { return in }
func (p plain) emit(_ protocol.Time, e protocol.Effect)              { p.m.put(e) }
func (plain) due() protocol.Time                                     { return protocol.Never }
func (plain) act(protocol.Time)                                      {}

// Handle implements protocol.Machine.
func (m *machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	m.out = out
	m.note(in)
	if in = m.how.hear(now, in); in != nil {
		m.honest.Handle(now, in, &m.inner)
	}
	m.pass(now)
}

// Advance implements protocol.Machine.
func (m *machine) Advance(now protocol.Time, out *protocol.Outbox) {
	m.out = out
	if m.how.due() <= now {
		m.how.act(now)
	}
	if m.honest.Deadline() <= now {
		m.honest.Advance(now, &m.inner)
	}
	m.pass(now)
}

// Deadline implements protocol.Machine.
func (m *machine) Deadline() protocol.Time { return min(m.honest.Deadline(), m.how.due()) }

// pass lets the conduct decide on everything that the core wants done.
func (m *machine) pass(now protocol.Time) {
	for _, e := range m.inner.Take() {
		m.how.emit(now, e)
	}
	m.out = nil
}

// put hands an effect to the driver. Messages for hosts without a link, which an
// honest core never sends, are dropped here.
func (m *machine) put(e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if !m.linked(e.To) {
			return
		}
	case protocol.Close:
		m.unlink(e.Peer)
	}
	m.out.Add(e)
}

// note keeps track of what every attack needs to know.
func (m *machine) note(in protocol.Input) {
	switch in := in.(type) {
	case core.SelfRecord:
		m.self = in.Record
		m.plot.enlist(in.Record)
	case core.Join:
		if id := protocol.TopicOf(in.Name); !slices.ContainsFunc(m.topics, func(t joined) bool { return t.id == id }) {
			m.topics = append(m.topics, joined{id, in.Name, in.Owner})
			m.plot.Against(in.Owner)
		}
	case core.Leave:
		m.topics = slices.DeleteFunc(m.topics, func(t joined) bool { return t.id == in.Topic })
	case protocol.LinkUp:
		if i, up := slices.BinarySearch(m.links, in.Link.Peer); !up {
			m.links = slices.Insert(m.links, i, in.Link.Peer)
		}
	case protocol.LinkDown:
		m.unlink(in.Peer)
	}
}

func (m *machine) linked(p protocol.PeerID) bool {
	_, up := slices.BinarySearch(m.links, p)
	return up
}

func (m *machine) unlink(p protocol.PeerID) {
	if i, up := slices.BinarySearch(m.links, p); up {
		m.links = slices.Delete(m.links, i, i+1)
	}
}

// groups are the groups with an active view: that of all hosts, and one a topic.
func (m *machine) groups() []protocol.TopicID {
	ids := []protocol.TopicID{{}}
	for _, t := range m.topics {
		ids = append(ids, t.id)
	}
	return ids
}
