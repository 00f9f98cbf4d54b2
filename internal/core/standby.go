package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A topic's protocol may work only where it works: IP multicast ends with a switch
// that is replaced. Its object says whether it does (protocol.Health). Where a plugin
// asks for it, gossip stands by: neighbours tell each other over their links how the
// protocol is with them, and gossip runs between two unless both have said that it is
// fit. So whoever is cut off gives and gets all items over links, at once, and nobody
// sends twice what a group has heard; and a neighbour that has no such protocol, and
// says nothing, is served as well. What was on its way while this changes is left to
// repair.

// standby is what a topic knows of that.
type standby struct {
	fit     bool
	fitting []protocol.PeerID // neighbours with whom it is fit, sorted
	served  []protocol.PeerID // neighbours that gossip has, sorted

	again protocol.Time // when to say it again to those; Never while there are none
	pause time.Duration
}

// What was said may be lost with a full queue: those that gossip has are told and asked
// again, after sayAgain, then ever more rarely down to sayLast (our guesses).
const (
	sayAgain = 2 * time.Second
	sayLast  = 2 * time.Minute
)

// newStandby returns one without neighbours.
func newStandby() *standby { return &standby{again: protocol.Never, pause: sayAgain} }

// deadline is when it next wants attention; of none, never.
func (s *standby) deadline() protocol.Time {
	if s == nil {
		return protocol.Never
	}
	return s.again
}

// soon has all that gossip has told again before long: something has changed.
func (s *standby) soon(now protocol.Time) { s.again, s.pause = now.Add(sayAgain), sayAgain }

// advanceStandby says and asks once more.
func (h *Host) advanceStandby(now protocol.Time, t *topic) {
	s := t.standby
	if s.deadline() > now {
		return
	}
	s.again, h.topics.stale = protocol.Never, true
	if len(s.served) == 0 {
		return
	}
	for _, p := range s.served {
		h.say(now, t, p, true)
	}
	s.pause = min(2*s.pause, sayLast)
	s.again = now.Add(s.pause)
}

// fitness says whether its sender's protocol works; asks is set where it wants to know
// the same. fit:1 asks:1
type fitness struct{ fit, asks bool }

// kindFitness is the kind of the one message that two topics' cores exchange.
const kindFitness uint8 = 1

// Kind implements protocol.Message.
func (fitness) Kind() uint8 { return kindFitness }

// AppendTo implements protocol.Message.
func (m fitness) AppendTo(b []byte) []byte { return append(b, flag(m.fit), flag(m.asks)) }

// decodeTopic reads a message to what surrounds a topic's objects.
func decodeTopic(kind uint8, body []byte) (protocol.Message, error) {
	if kind != kindFitness {
		return nil, protocol.ErrUnknownKind
	}
	r := protocol.NewReader(body)
	m := fitness{fit: readFlag(r), asks: readFlag(r)}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// say tells a neighbour how the protocol is here.
func (h *Host) say(now protocol.Time, t *topic, to protocol.PeerID, asks bool) {
	h.collect(t.id, protocol.ObjectHost, func(o *protocol.Outbox) {
		o.Send(to, fitness{t.standby.fit, asks}, protocol.Control, now.Add(SuspectAfter))
	})
}

// takeFitness takes in how the protocol is with a neighbour. Of others it is not kept:
// they are asked when they become neighbours.
func (h *Host) takeFitness(now protocol.Time, t *topic, in protocol.Received) {
	m, ok := in.Msg.(fitness)
	if !ok || t.standby == nil {
		return
	}
	if m.asks {
		h.say(now, t, in.From.Peer, false)
	}
	if !t.isMember(in.From.Peer) {
		return
	}
	if s := t.standby; m.fit {
		s.fitting, _ = insertPeer(s.fitting, in.From.Peer)
	} else {
		s.fitting, _ = removePeer(s.fitting, in.From.Peer)
	}
	h.stand(now, t, in.From.Peer)
}

// ownFitness takes in how the protocol is here, and tells all neighbours.
func (h *Host) ownFitness(now protocol.Time, t *topic, fit bool) {
	if t == nil || t.standby == nil || t.standby.fit == fit {
		return
	}
	t.standby.fit = fit
	for _, p := range slices.Clone(t.members) {
		h.say(now, t, p, false)
		h.stand(now, t, p)
	}
}

// stand gives gossip a neighbour, or takes it away, as things are.
func (h *Host) stand(now protocol.Time, t *topic, p protocol.PeerID) {
	s := t.standby
	_, fit := slices.BinarySearch(s.fitting, p)
	_, served := slices.BinarySearch(s.served, p)
	want := t.isMember(p) && !(fit && s.fit)
	switch {
	case want == served:
		return
	case want:
		s.served, _ = insertPeer(s.served, p)
		s.soon(now)
		h.topics.stale = true
	default:
		s.served, _ = removePeer(s.served, p)
	}
	d := protocol.MemberDelta{Peer: p, Gone: !want, Weight: 1}
	l := h.links.get(p)
	if l != nil {
		d.RTT, d.Relayed = l.RTT, l.Relayed
	}
	h.toObject(now, t, protocol.ObjectGossip, protocol.MembersChanged{Deltas: []protocol.MemberDelta{d}})
	if want && l != nil && l.live.suspected {
		h.toObject(now, t, protocol.ObjectGossip, protocol.LinkSuspected{Peer: p})
	}
}

// neighboursChanged tells the objects that a neighbour came or went: gossip that
// stands by only where it is to run.
func (h *Host) neighboursChanged(now protocol.Time, t *topic, d protocol.MemberDelta) {
	s := t.standby
	if s == nil {
		h.toObjects(now, t, protocol.MembersChanged{Deltas: []protocol.MemberDelta{d}})
		return
	}
	for i := range t.objects {
		if t.objects[i].id != protocol.ObjectGossip {
			h.tell(now, t.id, &t.objects[i], protocol.MembersChanged{Deltas: []protocol.MemberDelta{d}})
		}
	}
	s.fitting, _ = removePeer(s.fitting, d.Peer)
	h.stand(now, t, d.Peer)
	if !d.Gone {
		h.say(now, t, d.Peer, true)
	}
}

// Standby describes gossip that stands by in a topic.
type Standby struct {
	// Fit is whether the topic's protocol works here, Served the neighbours with which
	// gossip runs.
	Fit    bool
	Served []protocol.PeerID
}

// explain says what status shows; nil where nothing stands by.
func (s *standby) explain() *Standby {
	if s == nil {
		return nil
	}
	return &Standby{Fit: s.fit, Served: slices.Clone(s.served)}
}
