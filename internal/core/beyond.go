package core

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Hosts that join together and soon have neighbours enough may know nobody but each
// other: of 100,000 that joined within five seconds, 31 were in six such islands 15 s
// later (our measurement). Walks over their links end among themselves, and rotations
// are rare. Whoever misses something there, the tree of a topic, asks for members beyond:
// some of the address book are dialled, and the topic is sought over links that are not
// its neighbours', as far as walks go.
const (
	// beyondDials and beyondLinks bound what one Seek dials, and over how many links it
	// asks at once (our guesses).
	beyondDials = 4
	beyondLinks = 2
	// beyondFor is for how long new links are asked after it: dials by punch take some
	// seconds (our guess). No Seek of the same topic is heeded sooner.
	beyondFor = 10 * time.Second
)

// seekBeyond looks for members of a topic that its neighbours do not know of.
func (h *Host) seekBeyond(now protocol.Time, t *topic, out *protocol.Outbox) {
	if t.beyondUntil > now {
		return
	}
	t.beyondUntil = now.Add(beyondFor)
	others := h.liveLinks()
	h.find.rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	asked := 0
	for _, l := range others {
		if asked < beyondLinks && !t.isMember(l.Peer) {
			h.seek(now, l, find{ttl: MaxFindTTL, topics: []protocol.TopicID{t.id}}, out)
			asked++
		}
	}
	for _, p := range h.book.Some(beyondDials, func(p protocol.PeerID) bool {
		return h.links.get(p) == nil && !h.dials.has(p) && p != h.cfg.Self && h.dialable(now, p)
	}) {
		h.startDial(now, p, out)
	}
}
