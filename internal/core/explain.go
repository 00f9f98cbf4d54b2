package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// LinkInfo describes one link for status.
type LinkInfo struct {
	Peer      protocol.PeerID
	Outbound  bool
	Relayed   bool
	RTT       time.Duration
	Since     protocol.Time
	Heard     protocol.Time
	Suspected bool
	// Groups are the topics in which the peer is a neighbour; the zero topic
	// stands for the group of all hosts.
	Groups []protocol.TopicID
}

// TopicInfo describes one topic for status and why.
type TopicInfo struct {
	ID         protocol.TopicID
	Name       string
	Neighbours []protocol.PeerID
	Stats      TopicStats
	// Pending is how many items are between arrival and disk.
	Pending int
	// Standby is set where gossip stands by.
	Standby *Standby
	// View is what the active view says of itself.
	View any
	// Objects holds what each object says of itself, by number.
	Objects map[protocol.ObjectID]any
}

// Info describes a host for status. It is a copy.
type Info struct {
	Links  []LinkInfo
	Topics []TopicInfo
	// NICs are the interfaces whose environment is known.
	NICs []NICInfo
	// Known is how many peers the address book holds.
	Known int
	// Checking is how many items are between arrival and disk.
	Checking int
}

// Explain says what the host does. Cheap enough for a status command, not for
// every event.
func (h *Host) Explain(now protocol.Time) Info {
	info := Info{Known: h.book.Len(), Checking: len(h.pending), NICs: slices.Clone(h.nics.list)}
	for _, l := range h.links.order {
		li := LinkInfo{Peer: l.Peer, Outbound: l.Outbound, Relayed: l.Relayed, RTT: l.RTT,
			Since: l.since, Heard: l.live.heard, Suspected: l.live.suspected}
		li.Groups = append(li.Groups, h.claims[l.Peer]...)
		info.Links = append(info.Links, li)
	}
	for _, t := range h.topics.order {
		ti := TopicInfo{ID: t.id, Name: t.name, Stats: t.stats, Pending: t.checks + t.writing, View: t.view.Explain(now), Objects: make(map[protocol.ObjectID]any)}
		ti.Neighbours, ti.Standby = append(ti.Neighbours, t.members...), t.standby.explain()
		for _, obj := range t.objects {
			if e, ok := obj.machine.(protocol.Explainer); ok {
				ti.Objects[obj.id] = e.Explain(now)
			}
		}
		info.Topics = append(info.Topics, ti)
	}
	return info
}

// Neighbours returns the peers in the active view of a topic, or with the zero
// topic of the group of all hosts; sorted. For tests and observers.
func (h *Host) Neighbours(id protocol.TopicID) []protocol.PeerID {
	if id.IsZero() {
		return h.members
	}
	if t := h.topics.get(id); t != nil {
		return t.members
	}
	return nil
}

// Contacts returns up to n records of peers worth remembering over a restart,
// those that worked first.
func (h *Host) Contacts(n int) []gossipmembership.Record { return h.book.Remembered(n) }

// Objects calls yield with each object of a topic that runs a protocol, in order of
// their numbers. For tests and observers, who must not call them.
func (h *Host) Objects(id protocol.TopicID, yield func(protocol.ObjectID, protocol.Machine)) {
	if t := h.topics.get(id); t != nil {
		for i := range t.objects {
			yield(t.objects[i].id, t.objects[i].machine)
		}
	}
}

// Acquaintances returns the records of up to n peers that are known, drawn at random.
func (h *Host) Acquaintances(n int) (list []gossipmembership.Record) {
	for _, p := range h.book.Some(n, func(protocol.PeerID) bool { return true }) {
		if rec, ok := h.book.Record(p); ok {
			list = append(list, rec)
		}
	}
	return list
}
