package core

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// Finding members of a topic: a Find walks at random from host to host; whoever
// takes part in one of its topics answers, back along the way the walk came (the
// seeker may be unreachable from there), with itself and some of its neighbours.
// A topic short of neighbours asks every member the walk meets. One that has
// enough asks only the last: the first is likely of its own part of the topic, and
// it is the last that joins islands. Each answer has some members, for what a host knows
// is what it has left when most of its neighbours die at once.
// All constants are our guesses.
const (
	// findFirst and findLast are the shortest and the longest pause between the
	// walks for one topic; it doubles. Even a topic content with its neighbours
	// looks round now and then, or islands never merge.
	findFirst = time.Second
	findLast  = 4 * time.Minute
	// walkRate and walkBurst bound the Finds that one link can have us handle, a
	// second and at once.
	walkRate  = 5
	walkBurst = 40
	// fewMembers is how many neighbours a topic has at least that does not count as
	// short of them: a view's own least number.
	fewMembers = 5
	// someMembers is the same for a topic whose protocol opens links of its own: over each
	// new one it asks only while it hardly has any neighbour. Of OMNI's control on
	// internet951 a seventh were such questions and what followed (our measurement).
	someMembers = 2
	// findFanout is how many walks start at once.
	findFanout = 2
)

// finder keeps this host's own walks. Those that came by a link are the link's,
// and end with it.
type finder struct {
	rng *rand.Rand
	own walks
	due protocol.Time
}

func newFinder(rng *rand.Rand) finder { return finder{rng: rng, due: protocol.Never} }

func (f *finder) deadline() protocol.Time { return f.due }

// linkUp makes the finder look at once which topics a new link could help.
func (f *finder) linkUp(now protocol.Time) { f.due = min(f.due, now) }

// linkDown makes it look soon.
func (f *finder) linkDown(now protocol.Time) { f.due = min(f.due, now.Add(findFirst)) }

// advanceFind starts walks for the topics whose turn has come.
func (h *Host) advanceFind(now protocol.Time, out *protocol.Outbox) {
	if h.find.due > now {
		return
	}
	h.find.due = protocol.Never
	h.find.own.forget(now)
	var short, content []protocol.TopicID
	for _, t := range h.topics.order {
		if t.findAt <= now && len(short)+len(content) < MaxFindTopics && len(h.links.order) > 0 {
			if len(t.members) < fewMembers {
				short = append(short, t.id)
			} else {
				content = append(content, t.id)
			}
			t.findAgain(now, h.find.rng)
		}
		if len(h.links.order) > 0 {
			h.find.due = min(h.find.due, max(t.findAt, now.Add(time.Millisecond)))
		}
	}
	if len(short)+len(content) == 0 {
		return
	}
	links := h.liveLinks()
	h.find.rng.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
	for _, l := range links[:min(len(links), findFanout)] {
		h.seek(now, l, find{ttl: MaxFindTTL, topics: short}, out)
		h.seek(now, l, find{ttl: MaxFindTTL, last: true, topics: content}, out)
	}
}

// seek starts one walk over one link, if it is for any topic.
func (h *Host) seek(now protocol.Time, l *link, m find, out *protocol.Outbox) {
	if len(m.topics) == 0 {
		return
	}
	m.nonce = h.find.rng.Uint64()
	h.find.own.add(now, newWalk(m.nonce, l.Peer, m.topics, m.ttl), MaxOwnWalks)
	out.Scope(hostGroup, protocol.ObjectHost)
	out.Send(l.Peer, m, protocol.Control, now.Add(walkLife))
}

// seekOverNew asks a peer with which a link has just come up, and nobody behind it,
// for members of all topics: it may be the only door to the rest of one.
func (h *Host) seekOverNew(now protocol.Time, l *link, out *protocol.Outbox) {
	var topics []protocol.TopicID
	for _, t := range h.topics.order {
		if t.beyondUntil > now {
			h.seek(now, l, find{ttl: MaxFindTTL, topics: []protocol.TopicID{t.id}}, out)
			continue
		}
		if n := len(t.members); h.cfg.Plugin != nil && (n >= someMembers || n > 0 && len(h.holders[l.Peer]) > 0) {
			continue // such objects open many links, to members that they know
		}
		topics = append(topics, t.id)
	}
	for part := range slices.Chunk(topics, MaxFindTopics) {
		h.seek(now, l, find{ttl: 1, topics: part}, out)
	}
}

// takeFind answers for the topics this host takes part in and sends the walk on.
func (h *Host) takeFind(now protocol.Time, from *link, m find, out *protocol.Outbox) {
	if !from.finds.take(now, walkRate, walkBurst) || h.walked(now, m.nonce) {
		return
	}
	next := h.otherLink(from)
	if m.ttl = min(m.ttl, MaxFindTTL); m.ttl <= 1 {
		next = nil
	}
	if !m.last || next == nil {
		h.answerFind(now, from, m, out)
	}
	w := walk{nonce: m.nonce}
	if m.topics = h.leadOn(m); next != nil && len(m.topics) > 0 {
		m.ttl--
		w = newWalk(m.nonce, next.Peer, m.topics, m.ttl)
		out.Send(next.Peer, m, protocol.Control, now.Add(walkLife))
	}
	from.walks.add(now, w, MaxWalksPerLink)
}

// leadOn returns the topics for which a walk goes on: those of which this host knows
// nothing, and of those it has answered for three of four. So three hosts in the mean
// answer for a topic that everybody takes part in, and all that are met for a rare one.
// All six answering cost each newcomer forty messages; with two, who has lost four
// fifths of what it knows may be left with nobody to call (our measurements).
func (h *Host) leadOn(m find) []protocol.TopicID {
	if m.last {
		return m.topics
	}
	var on []protocol.TopicID
	for _, id := range m.topics {
		if h.topics.get(id) == nil || h.find.rng.IntN(4) > 0 {
			on = append(on, id)
		}
	}
	return on
}

// answerFind names some members of the topics this host takes part in.
func (h *Host) answerFind(now protocol.Time, from *link, m find, out *protocol.Outbox) {
	for _, id := range m.topics {
		if t := h.topics.get(id); t != nil {
			out.Send(from.Peer, found{m.nonce, id, h.someMembers(t, from.Peer, MaxFoundRecords)}, protocol.Control, now.Add(walkLife))
		}
	}
}

// walked reports whether a walk has been here before.
func (h *Host) walked(now protocol.Time, nonce uint64) bool {
	return h.find.own.find(now, nonce) != nil ||
		slices.ContainsFunc(h.links.order, func(l *link) bool { return l.walks.find(now, nonce) != nil })
}

// otherLink draws a live link that is not the given one, nil for none.
func (h *Host) otherLink(not *link) (other *link) {
	others := 0
	for _, l := range h.links.order {
		if l != not && !l.live.suspected {
			others++
		}
	}
	if others == 0 {
		return nil
	}
	nth := h.find.rng.IntN(others)
	for _, l := range h.links.order {
		if l == not || l.live.suspected {
			continue
		}
		if other = l; nth == 0 {
			break
		}
		nth--
	}
	return other
}

// liveLinks returns the links that are not suspected.
func (h *Host) liveLinks() (live []*link) {
	for _, l := range h.links.order {
		if !l.live.suspected {
			live = append(live, l)
		}
	}
	return live
}

// someMembers returns this host's record and those of some neighbours in a topic,
// not more than most.
func (h *Host) someMembers(t *topic, not protocol.PeerID, most int) []gossipmembership.Record {
	recs := make([]gossipmembership.Record, 0, most)
	if h.self.Seq > 0 {
		recs = append(recs, h.self)
	}
	peers := slices.Clone(t.members)
	h.find.rng.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, p := range peers {
		if rec, ok := h.book.Record(p); ok && p != not && rec.Seq > 0 && len(recs) < most {
			recs = append(recs, rec)
		}
	}
	return recs
}

// takeFound hands found members to the topic if this host sought them, or passes
// them back. Only what was sought is taken in or passed on.
func (h *Host) takeFound(now protocol.Time, from *link, m found, out *protocol.Outbox) {
	if w := h.find.own.find(now, m.nonce); w != nil {
		if w.answer(from.Peer, m.topic) && h.topics.get(m.topic) != nil {
			h.contacts(now, Contacts{Records: m.records, From: from.Peer, Topic: m.topic})
		}
		return
	}
	for _, l := range h.links.order {
		if w := l.walks.find(now, m.nonce); w != nil {
			if w.answer(from.Peer, m.topic) {
				out.Send(l.Peer, m, protocol.Control, now.Add(walkLife))
			}
			return
		}
	}
}
