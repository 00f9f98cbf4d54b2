package core

import "github.com/quilt-p2p/quilt/protocol"

// part is a machine that the host is composed of: a view, or an object of a topic.
// Its deadline changes only when it is called, so it is asked once after each call
// and not after every input of the host.
type part struct {
	id      protocol.ObjectID
	machine protocol.Machine
	due     protocol.Time
}

func newPart(id protocol.ObjectID, m protocol.Machine) part {
	return part{id: id, machine: m, due: m.Deadline()}
}

// tell gives a part of a group an input and keeps what it wrote for settle.
func (h *Host) tell(now protocol.Time, group protocol.TopicID, p *part, in protocol.Input) {
	h.tmp.Scope(group, p.id)
	p.machine.Handle(now, in, &h.tmp)
	p.due = p.machine.Deadline()
	h.topics.stale = true
	h.keep(group, p.id)
}

// wake advances a part of a group if it is due.
func (h *Host) wake(now protocol.Time, group protocol.TopicID, p *part) {
	if p.due > now {
		return
	}
	h.tmp.Scope(group, p.id)
	p.machine.Advance(now, &h.tmp)
	p.due = p.machine.Deadline()
	h.topics.stale = true
	h.keep(group, p.id)
}

// collect runs what is no machine with an outbox of its own and keeps what it wrote
// for settle.
func (h *Host) collect(group protocol.TopicID, object protocol.ObjectID, f func(*protocol.Outbox)) {
	h.tmp.Scope(group, object)
	f(&h.tmp)
	h.keep(group, object)
}

// keep moves what a part has written to what settle looks through.
func (h *Host) keep(group protocol.TopicID, object protocol.ObjectID) {
	for _, e := range h.tmp.Take() {
		h.jobs = append(h.jobs, job{group, object, e})
	}
}
