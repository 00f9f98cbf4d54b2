package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of what is remembered of walks (our guesses).
const (
	// MaxOwnWalks bounds the walks this host has begun and waits for; the oldest
	// goes.
	MaxOwnWalks = 256
	// MaxWalksPerLink bounds the walks that came by one link and whose way back is
	// remembered; the oldest of that link goes, never another's.
	MaxWalksPerLink = 64
	// walkLife is how long a way back is remembered.
	walkLife = 10 * time.Second
)

// walk is one Find that this host began or sent on.
type walk struct {
	nonce uint64
	to    protocol.PeerID // where it went; empty where it ended here
	open  []openTopic
	until protocol.Time
}

// openTopic is a topic for which answers may come.
type openTopic struct {
	id   protocol.TopicID
	left uint8 // how many
}

// newWalk returns a walk that goes to a peer and visits at most ttl hosts from
// there on.
func newWalk(nonce uint64, to protocol.PeerID, topics []protocol.TopicID, ttl uint8) walk {
	w := walk{nonce: nonce, to: to, open: make([]openTopic, 0, len(topics))}
	for _, id := range topics {
		w.open = append(w.open, openTopic{id, ttl})
	}
	return w
}

// walks are the walks begun here, or those that came by one link; oldest first.
type walks []walk

// add remembers a walk.
func (ws *walks) add(now protocol.Time, w walk, bound int) {
	w.until = now.Add(walkLife)
	for len(*ws) > 0 && ((*ws)[0].until <= now || len(*ws) >= bound) {
		*ws = slices.Delete(*ws, 0, 1)
	}
	*ws = append(*ws, w)
}

// forget lets go of the room once the last walk's time is over.
func (ws *walks) forget(now protocol.Time) {
	if n := len(*ws); n > 0 && (*ws)[n-1].until <= now {
		*ws = nil
	}
}

// find returns the walk with the given number, nil for none.
func (ws walks) find(now protocol.Time, nonce uint64) *walk {
	for i := range ws {
		if ws[i].nonce == nonce && ws[i].until > now {
			return &ws[i]
		}
	}
	return nil
}

// answer takes note of an answer for one topic by a peer. It reports whether it
// was due: it comes from where the walk went, for a topic that was asked for, and
// no more of them have come than the walk visits hosts.
func (w *walk) answer(from protocol.PeerID, topic protocol.TopicID) bool {
	i := slices.IndexFunc(w.open, func(o openTopic) bool { return o.id == topic })
	if i < 0 || w.to != from || w.open[i].left == 0 {
		return false
	}
	w.open[i].left--
	return true
}
