package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// exchange is the shuffle under way: peer is empty without one.
type exchange struct {
	peer     PeerID
	nonce    uint64
	deadline protocol.Time
}

// shuffleGap is the least time between two shuffles of one neighbour that are
// answered.
const shuffleGap = time.Second

// A shuffle is between neighbours. HyParView's walks on for six hops and is
// answered by a stranger, over a new link to an address nobody has checked; ours
// asks nobody to forward or to dial, and members mix as they are passed on from
// view to view.
func (v *View) advanceShuffle(now protocol.Time, out *protocol.Outbox) {
	if v.shuffleAt > now {
		return
	}
	v.shuffleAt = now.Add(v.jitter(v.shuffleEvery))
	i := v.choose(len(v.active), func(i int) int {
		if !v.speaks(v.active[i].peer) {
			return never
		}
		return 0
	})
	if i < 0 {
		return
	}
	to := v.active[i].peer
	v.exchange = exchange{peer: to, nonce: v.rng.Uint64(), deadline: now.Add(v.patience(to))}
	out.Send(to, Shuffle{Nonce: v.exchange.nonce, Degree: v.degree(), Records: v.sample(to, v.cfg.ShuffleSize)},
		protocol.Control, v.exchange.deadline)
}

// shuffle answers a neighbour's shuffle.
func (v *View) shuffle(now protocol.Time, from PeerID, m Shuffle, out *protocol.Outbox) {
	v.present(now, from, m.Degree, out)
	i := v.neighborIndex(from)
	if i < 0 {
		return
	}
	if now < v.active[i].nextShuffle {
		out.Note("view.shuffle-too-soon", from, protocol.ItemID{}, 0)
		return
	}
	v.active[i].nextShuffle = now.Add(shuffleGap)
	// What is sent is chosen before what has come, so as not to send it back.
	reply := ShuffleReply{Nonce: m.Nonce, Degree: v.degree(), Records: v.sample(from, v.cfg.ShuffleSize)}
	v.learn(now, m.Records, from)
	out.Send(from, reply, protocol.Control, now.Add(v.patience(from)))
}

// shuffleReply takes in the answer to the shuffle under way, and no other.
func (v *View) shuffleReply(now protocol.Time, from PeerID, m ShuffleReply, out *protocol.Outbox) {
	x := v.exchange
	if x.peer != from || x.nonce != m.Nonce || now >= x.deadline {
		out.Note("view.unsolicited", from, protocol.ItemID{}, 1)
		return
	}
	v.exchange = exchange{}
	v.present(now, from, m.Degree, out)
	fresh := v.learn(now, m.Records, from)
	out.Note("view.shuffle", from, protocol.ItemID{}, int64(fresh))
	if fresh > 0 {
		v.shuffleSoon(now)
	} else {
		v.shuffleEvery = min(2*v.shuffleEvery, 4*v.cfg.ShuffleEvery)
	}
}

// shuffleSoon sets the interval to its base, less where neighbours are missing and
// there are few to ask.
func (v *View) shuffleSoon(now protocol.Time) {
	every := v.cfg.ShuffleEvery
	if v.missing() > 0 && v.hopeful() < 2*maxFillAsks {
		every = v.shortShuffleEvery()
	}
	if every < v.shuffleEvery {
		v.shuffleAt = min(v.shuffleAt, now.Add(v.jitter(every)))
	}
	v.shuffleEvery = every
}

// hopeful is the number of passive members that are not known to fail.
func (v *View) hopeful() int {
	n := 0
	for i := range v.passive {
		if v.passive[i].failures == 0 {
			n++
		}
	}
	return n
}

func (v *View) shortShuffleEvery() time.Duration { return v.cfg.ShuffleEvery / 12 }

// sample returns at most n records for a peer: this peer's own, then random
// members, of which none is known to fail.
func (v *View) sample(to PeerID, n int) []Record {
	recs := make([]Record, 0, n)
	if own, ok := v.book.Record(v.self); ok {
		recs = append(recs, own)
	}
	for _, i := range v.rng.Perm(len(v.active) + len(v.passive)) {
		if len(recs) == n {
			break
		}
		var peer PeerID
		if i < len(v.active) {
			peer = v.active[i].peer
		} else if m := &v.passive[i-len(v.active)]; m.failures == 0 {
			peer = m.peer
		}
		if peer == "" || peer == to {
			continue
		}
		if rec, ok := v.book.Record(peer); ok {
			recs = append(recs, rec)
		}
	}
	return recs
}
