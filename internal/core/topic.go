package core

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

// topic is what exists once per topic at a host.
type topic struct {
	id    protocol.TopicID
	name  string
	owner protocol.PeerID

	view     *gossipmembership.View
	viewing  part              // the view, as a part
	repair   protocol.Machine  // knows what the store holds
	objects  []part            // in order of their numbers; gossip and repair among them
	receipts *receipts         // who has stored what
	members  []protocol.PeerID // neighbours in the active view, sorted

	standby *standby // nil where gossip does not stand by

	seen    seen
	copies  map[protocol.ItemID][]*pending // being verified, by ID
	checks  int                            // how many are being verified
	writing int                            // how many are being stored

	findAt    protocol.Time // when to seek members again
	findPause time.Duration

	lonelySince protocol.Time // see Host.lonely
	beyondUntil protocol.Time // see Host.seekBeyond

	stats TopicStats
	left  bool
}

// TopicStats counts what went through a topic since it was joined.
type TopicStats struct {
	Received, Duplicates, Repaired, Invalid, Accepted uint64
}

// join takes part in a topic; a second Join of one is ignored.
func (h *Host) join(now protocol.Time, in Join) {
	id := protocol.TopicOf(in.Name)
	if h.topics.get(id) != nil || len(h.topics.order) >= MaxTopics {
		return
	}
	t := &topic{id: id, name: in.Name, owner: in.Owner, seen: newSeen(),
		copies: make(map[protocol.ItemID][]*pending), findAt: now, findPause: findFirst, lonelySince: protocol.Never}
	t.view = gossipmembership.NewView(h.cfg.TopicView, h.cfg.Self, dialBook{h.book, h}, h.fork())
	t.viewing = newPart(protocol.ObjectView, t.view)
	t.receipts = newReceipts(h.cfg.Self, func() []protocol.PeerID { return t.members })
	if in.Owner != "" {
		t.repair = antientropy.NewOwned(h.cfg.Repair, in.Owner, in.Held, h.fork())
	} else {
		t.repair = antientropy.NewOpen(h.cfg.Repair, in.Keys, h.fork())
	}
	t.objects = h.objects(t)
	h.topics.put(t)
	h.toAll(now, t, protocol.Start{})
	if h.budget.UploadRate > 0 {
		h.toObjects(now, t, h.budget)
	}
	if len(h.self.Addrs) > 0 {
		h.toObjects(now, t, protocol.AddrsChanged{Addrs: h.self.Addrs})
	}
	for _, nic := range h.nics.list {
		h.toObjects(now, t, protocol.EUIDChanged{NIC: nic.NIC, EUID: nic.EUID})
	}
	for _, l := range h.links.order {
		h.tell(now, t.id, &t.viewing, protocol.LinkUp{Link: l.Link})
		if l.live.suspected {
			h.tell(now, t.id, &t.viewing, protocol.LinkSuspected{Peer: l.Peer})
		}
	}
	h.find.linkUp(now)
	h.holdsLarge(now, t, in)
}

// objects makes the machines of a topic that pass items on, in order of their
// numbers.
func (h *Host) objects(t *topic) []part {
	repair := newPart(protocol.ObjectRepair, t.repair)
	if p := h.cfg.Plugin; p != nil {
		env := protocol.Env{Self: h.cfg.Self, Topic: t.name, Owner: t.owner, Rand: h.fork()}
		plugin := newPart(protocol.FirstPatchObject, p.New(env))
		if !p.Standby {
			return []part{repair, plugin}
		}
		t.standby = newStandby()
		return []part{newPart(protocol.ObjectGossip, gossip.New(h.cfg.Gossip, h.fork())), repair, plugin}
	}
	return []part{newPart(protocol.ObjectGossip, gossip.New(h.cfg.Gossip, h.fork())), repair}
}

// leave takes no further part in a topic.
func (h *Host) leave(now protocol.Time, id protocol.TopicID) {
	t := h.topics.get(id)
	if t == nil {
		return
	}
	h.toAll(now, t, protocol.Stop{})
	t.left = true
	h.topics.remove(id)
	for _, l := range h.links.order {
		h.release(now, l.Peer, id)
	}
	h.unholdAll(now, id)
}

// object returns the object with a number, nil for none.
func (t *topic) object(id protocol.ObjectID) *part {
	for i := range t.objects {
		if t.objects[i].id == id {
			return &t.objects[i]
		}
	}
	return nil
}

// deadline is when any part of the topic next wants attention.
func (t *topic) deadline() protocol.Time {
	d := min(t.viewing.due, t.receipts.due, t.standby.deadline())
	for i := range t.objects {
		d = min(d, t.objects[i].due)
	}
	return d
}

// advanceTopic wakes the parts of a topic that are due.
func (h *Host) advanceTopic(now protocol.Time, t *topic) {
	h.wake(now, t.id, &t.viewing)
	h.advanceStandby(now, t)
	for i := range t.objects {
		h.wake(now, t.id, &t.objects[i])
	}
	if t.receipts.due <= now {
		h.withReceipts(t, func(o *protocol.Outbox) { t.receipts.advance(now, o) })
	}
}

// toObject gives one object of a topic an input; an unknown number is ignored.
func (h *Host) toObject(now protocol.Time, t *topic, id protocol.ObjectID, in protocol.Input) {
	switch id {
	case protocol.ObjectHost:
		if rec, ok := in.(protocol.Received); ok {
			h.takeFitness(now, t, rec)
		}
	case protocol.ObjectView:
		h.tell(now, t.id, &t.viewing, in)
	case protocol.ObjectReceipts:
		if rec, ok := in.(protocol.Received); ok {
			h.toReceipts(now, t, rec)
		}
	default:
		if p := t.object(id); p != nil {
			h.tell(now, t.id, p, in)
		}
	}
}

// toObjects gives every object of a topic an input.
func (h *Host) toObjects(now protocol.Time, t *topic, in protocol.Input) {
	for i := range t.objects {
		h.tell(now, t.id, &t.objects[i], in)
	}
}

// toAll gives the view and every object of a topic an input.
func (h *Host) toAll(now protocol.Time, t *topic, in protocol.Input) {
	h.toObjects(now, t, in)
	h.tell(now, t.id, &t.viewing, in)
}

// withReceipts runs the receipts of a topic.
func (h *Host) withReceipts(t *topic, f func(*protocol.Outbox)) {
	h.collect(t.id, protocol.ObjectReceipts, f)
	t.receipts.due = t.receipts.deadline()
	h.topics.stale = true
}

// removeMember notes that a neighbour is gone; it reports whether it was one.
func (t *topic) removeMember(p protocol.PeerID) bool {
	var was bool
	t.members, was = removePeer(t.members, p)
	return was
}

func (t *topic) isMember(p protocol.PeerID) bool {
	_, ok := slices.BinarySearch(t.members, p)
	return ok
}

// findAgain sets when members are next sought: soon while there is no neighbour,
// ever more rarely otherwise.
func (t *topic) findAgain(now protocol.Time, rng *rand.Rand) {
	limit := findLast
	if len(t.members) == 0 {
		limit = 15 * time.Second
	}
	t.findPause = min(t.findPause, limit)
	t.findAt = now.Add(t.findPause + time.Duration(rng.Int64N(int64(t.findPause)/4+1)))
	t.findPause = min(2*t.findPause, limit)
}

// findSoon seeks members anew: the last neighbour is gone.
func (t *topic) findSoon(now protocol.Time) {
	t.findPause = findFirst
	t.findAt = min(t.findAt, now.Add(findFirst))
}

// topicTable holds the topics joined, looked up by ID, walked in order of ID.
type topicTable struct {
	byID  map[protocol.TopicID]*topic
	order []*topic
	due   protocol.Time // the earliest deadline, unless stale
	stale bool
}

// deadline is when any topic next wants attention.
func (tt *topicTable) deadline() protocol.Time {
	if tt.stale {
		tt.stale, tt.due = false, protocol.Never
		for _, t := range tt.order {
			tt.due = min(tt.due, t.deadline())
		}
	}
	return tt.due
}

func newTopicTable() topicTable {
	return topicTable{byID: make(map[protocol.TopicID]*topic), due: protocol.Never}
}

func (tt *topicTable) get(id protocol.TopicID) *topic { return tt.byID[id] }

func (tt *topicTable) put(t *topic) {
	tt.byID[t.id] = t
	tt.stale = true
	i, _ := slices.BinarySearchFunc(tt.order, t.id, byTopicID)
	tt.order = slices.Insert(tt.order, i, t)
}

func (tt *topicTable) remove(id protocol.TopicID) {
	delete(tt.byID, id)
	tt.stale = true
	if i, ok := slices.BinarySearchFunc(tt.order, id, byTopicID); ok {
		tt.order = slices.Delete(tt.order, i, i+1)
	}
}

func byTopicID(t *topic, id protocol.TopicID) int {
	return strings.Compare(string(t.id[:]), string(id[:]))
}
