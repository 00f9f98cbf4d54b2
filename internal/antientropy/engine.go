package antientropy

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// engine is what the machines of both kinds of topic have in common: neighbours,
// items on their way to the disk, pulls and the pace of unprompted exchanges.
type engine struct {
	puller
	nbrs    neighbours
	pending pendings
	pace    pacer

	// dirty says that somebody may have to be asked for something. Looking for it
	// takes time, so it is done only then, or at retryAt when a wait has ended.
	dirty    bool
	retryAt  protocol.Time
	lookedAt protocol.Time
	deadline protocol.Time
	stopped  bool
}

// lookEvery is the least time between two looks for something to ask for that are
// only due to items stored.
const lookEvery = 100 * time.Millisecond

func newEngine(cfg Config, rng *rand.Rand) engine {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	cfg = cfg.withDefaults()
	return engine{
		puller:   newPuller(cfg, rng),
		pending:  newPendings(),
		pace:     newPacer(cfg),
		retryAt:  protocol.Never,
		deadline: protocol.Never,
	}
}

// Deadline implements protocol.Machine.
func (e *engine) Deadline() protocol.Time { return e.deadline }

// link takes in what happened to links and neighbours. It returns the neighbours
// that are to be greeted: new ones, and those that speak again.
func (e *engine) link(now protocol.Time, in protocol.Input) (greet neighbours) {
	switch in := in.(type) {
	case protocol.MembersChanged:
		for _, d := range in.Deltas {
			if n := e.nbrs.apply(now, d); n != nil {
				greet = append(greet, n)
			}
		}
		e.dirty = true // what a lost neighbour was asked for is free again
		e.settlePace(now)
	case protocol.LinkRTT:
		if n := e.nbrs.find(in.Peer); n != nil {
			n.rtt = in.RTT
		}
	case protocol.LinkSuspected:
		if n := e.nbrs.find(in.Peer); n != nil {
			n.suspected = true
		}
	case protocol.LinkDown:
		// The view will say so too; but what was asked of it is free now, and if
		// it comes back it may know other things.
		e.nbrs.apply(now, protocol.MemberDelta{Peer: in.Peer, Gone: true})
		e.dirty = true
		e.settlePace(now)
	case protocol.LinkRestored:
		if n := e.nbrs.find(in.Peer); n != nil && n.suspected {
			n.suspected, e.dirty = false, true
			greet = append(greet, n)
		}
	case protocol.Congested:
		if n := e.nbrs.find(in.Peer); n != nil {
			n.congested = true
		}
	case protocol.Drained:
		if n := e.nbrs.find(in.Peer); n != nil {
			n.congested = false
		}
	case protocol.Stop:
		e.stopped = true
		e.deadline = protocol.Never
	}
	return greet
}

// settlePace lets unprompted exchanges happen while there are neighbours.
func (e *engine) settlePace(now protocol.Time) {
	if len(e.nbrs) > 0 {
		e.pace.start(now, e.rng)
	} else {
		e.pace.stop()
	}
}

// someone returns a random neighbour that may be talked to, nil for none.
func (e *engine) someone() *neighbour {
	var usable neighbours
	for _, n := range e.nbrs {
		if n.usable() {
			usable = append(usable, n)
		}
	}
	if len(usable) == 0 {
		return nil
	}
	return usable[e.rng.IntN(len(usable))]
}

// known returns the neighbour that a message came from, nil where the sender is
// not proved or no neighbour.
func (e *engine) known(in protocol.Received) *neighbour {
	if !in.From.Authenticated || in.From.Multicast {
		return nil
	}
	return e.nbrs.find(in.From.Peer)
}

// askable goes through the neighbours that a pull can be sent to now, the nearest
// first, and notes when the others can be asked.
func (e *engine) askable(now protocol.Time, ask func(*neighbour)) {
	e.dirty = false
	e.retryAt = protocol.Never
	e.lookedAt = now
	if now < e.pausedUntil {
		e.retryAt = e.pausedUntil
		return
	}
	for _, n := range e.nbrs.nearest() {
		if n.pull != nil || !n.usable() {
			continue
		}
		if wait := max(n.backoff, n.grace); now < wait {
			e.retryAt = min(e.retryAt, wait)
			continue
		}
		if e.pending.len() >= MaxPending/2 {
			return // looked for again when some are on disk
		}
		ask(n)
	}
}

// handUp gives an item that came by Carry to the container.
func handUp(from protocol.PeerID, c protocol.Carry, out *protocol.Outbox) {
	out.Add(protocol.Arrive{Item: c.Item, From: from, Hops: c.Hops, Repaired: true})
}

// rejected takes in that an item was not accepted; the caller has taken it from
// the pending ones.
func (e *engine) rejected(now protocol.Time, in protocol.Rejected, out *protocol.Outbox) {
	e.dirty = true
	n := e.nbrs.find(in.From)
	switch {
	case n == nil: // nobody was asked: a flood must not make repair pause
	case in.Retry:
		e.storeFailed(now)
	default:
		out.Note("repair.rejected", in.From, in.ID, 0)
		e.fail(now, n, out)
	}
}

// stored takes in that an item is on disk; it returns what is known of its way
// here.
func (e *engine) stored(now protocol.Time, it *protocol.Item) pending {
	p, _ := e.pending.take(it.ID)
	e.saw(it)
	e.storeWorked()
	e.pace.changed(now, e.rng)
	// Room may be there again, or nothing left to pull before the next
	// reconciliation: no need to look after every item of a burst.
	e.retryAt = min(e.retryAt, max(now, e.lookedAt.Add(lookEvery)))
	if p.repaired {
		e.stats.Repaired++
		e.stats.Bytes += uint64(len(it.Bytes))
	}
	return p
}
