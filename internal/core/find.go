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
// All constants are our guesses.
const (
	// maxWalks bounds the walks whose way back this host remembers; the oldest
	// goes.
	maxWalks = 1024
	// walkLife is how long a way back is remembered.
	walkLife = 10 * time.Second
	// findFirst and findLast are the shortest and the longest pause between the
	// walks for one topic; it doubles. Even a topic content with its neighbours
	// looks round now and then, or islands never merge.
	findFirst = time.Second
	findLast  = 4 * time.Minute
	// walkRate and walkBurst bound the Finds that one link can have us handle.
	walkRate  = 5.0
	walkBurst = 40.0
	// findFanout is how many walks start at once.
	findFanout = 2
)

// walk is the way back of one Find.
type walk struct {
	nonce uint64
	from  protocol.PeerID // empty where this host began it
	until protocol.Time
}

// finder keeps the walks that pass through this host and its own.
type finder struct {
	rng   *rand.Rand
	walks []walk // oldest first
	due   protocol.Time
}

func newFinder(rng *rand.Rand) finder { return finder{rng: rng, due: protocol.Never} }

func (f *finder) deadline() protocol.Time { return f.due }

// linkUp makes the finder look at once which topics a new link could help.
func (f *finder) linkUp(now protocol.Time) { f.due = min(f.due, now) }

// linkDown makes it look soon.
func (f *finder) linkDown(now protocol.Time) { f.due = min(f.due, now.Add(findFirst)) }

// remember keeps a way back; it reports whether the walk is new here.
func (f *finder) remember(now protocol.Time, nonce uint64, from protocol.PeerID) bool {
	for len(f.walks) > 0 && (f.walks[0].until <= now || len(f.walks) >= maxWalks) {
		f.walks = slices.Delete(f.walks, 0, 1)
	}
	if f.wayBack(nonce) != nil {
		return false
	}
	f.walks = append(f.walks, walk{nonce, from, now.Add(walkLife)})
	return true
}

// wayBack returns the walk with the given number, nil for none.
func (f *finder) wayBack(nonce uint64) *walk {
	for i := range f.walks {
		if f.walks[i].nonce == nonce {
			return &f.walks[i]
		}
	}
	return nil
}

// advanceFind starts walks for the topics whose turn has come.
func (h *Host) advanceFind(now protocol.Time, out *protocol.Outbox) {
	if h.find.due > now {
		return
	}
	h.find.due = protocol.Never
	var wanted []protocol.TopicID
	for _, t := range h.topics.order {
		if t.findAt <= now && len(wanted) < MaxFindTopics && len(h.links.order) > 0 {
			wanted = append(wanted, t.id)
			t.findAgain(now, h.find.rng)
		}
		if len(h.links.order) > 0 {
			h.find.due = min(h.find.due, max(t.findAt, now.Add(time.Millisecond)))
		}
	}
	if len(wanted) == 0 {
		return
	}
	links := slices.Clone(h.links.order)
	h.find.rng.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
	for _, l := range links[:min(len(links), findFanout)] {
		h.seek(now, l, wanted, out)
	}
}

// seek starts one walk over one link.
func (h *Host) seek(now protocol.Time, l *link, topics []protocol.TopicID, out *protocol.Outbox) {
	nonce := h.find.rng.Uint64()
	h.find.remember(now, nonce, "")
	out.Scope(hostGroup, protocol.ObjectHost)
	out.Send(l.Peer, find{nonce: nonce, ttl: MaxFindTTL, topics: topics}, protocol.Control, now.Add(walkLife))
}

// takeFind answers for the topics this host takes part in and sends the walk on
// for the others.
func (h *Host) takeFind(now protocol.Time, from *link, m find, out *protocol.Outbox) {
	if !from.walks.take(now, walkRate, walkBurst) || !h.find.remember(now, m.nonce, from.Peer) {
		return
	}
	var rest []protocol.TopicID
	for _, id := range m.topics {
		t := h.topics.get(id)
		if t == nil {
			rest = append(rest, id)
			continue
		}
		out.Send(from.Peer, found{m.nonce, id, h.someMembers(t, from.Peer)}, protocol.Control, now.Add(walkLife))
	}
	ttl := min(m.ttl, MaxFindTTL)
	if len(rest) == 0 || ttl <= 1 {
		return
	}
	if next := h.otherLink(from); next != nil {
		out.Send(next.Peer, find{m.nonce, ttl - 1, rest}, protocol.Control, now.Add(walkLife))
	}
}

// otherLink draws a live link that is not the given one, nil for none.
func (h *Host) otherLink(not *link) *link {
	var others []*link
	for _, l := range h.links.order {
		if l != not && !l.live.suspected {
			others = append(others, l)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return others[h.find.rng.IntN(len(others))]
}

// someMembers returns this host's record and those of some neighbours in a topic.
func (h *Host) someMembers(t *topic, not protocol.PeerID) []gossipmembership.Record {
	recs := make([]gossipmembership.Record, 0, MaxFoundRecords)
	if h.self.Seq > 0 {
		recs = append(recs, h.self)
	}
	peers := slices.Clone(t.members)
	h.find.rng.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, p := range peers {
		if rec, ok := h.book.Record(p); ok && p != not && rec.Seq > 0 && len(recs) < MaxFoundRecords {
			recs = append(recs, rec)
		}
	}
	return recs
}

// takeFound hands found members to the topic if this host sought them, or passes
// them back. Only what was sought here is taken in.
func (h *Host) takeFound(now protocol.Time, from *link, m found, out *protocol.Outbox) {
	w := h.find.wayBack(m.nonce)
	switch {
	case w == nil || w.until <= now || w.from == from.Peer:
		return
	case w.from != "":
		if h.links.get(w.from) != nil {
			out.Send(w.from, m, protocol.Control, now.Add(walkLife))
		}
	default:
		if h.topics.get(m.topic) != nil {
			h.contacts(now, Contacts{Records: m.records, From: from.Peer, Topic: m.topic})
		}
	}
}

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     protocol.Time
}

// newWalkBucket returns a full bucket for the Finds of one link.
func newWalkBucket(now protocol.Time) bucket { return bucket{walkBurst, now} }

// take takes one token if there is one.
func (b *bucket) take(now protocol.Time, rate, burst float64) bool {
	b.tokens = min(burst, b.tokens+rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
