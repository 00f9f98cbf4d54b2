package gossip

import (
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// neighbour is one member of the active view.
type neighbour struct {
	peer protocol.PeerID
	// slot is this neighbour's bit in sets of holders, below MaxNeighbours.
	slot int

	// eager is how this side holds the link.
	eager     bool
	suspected bool
	congested bool
	// settled is when the last Graft or Prune between the two has surely been
	// acted upon; what contradicts it before was sent before it.
	settled protocol.Time
	// grafting counts the Grafts sent there since anything was last carried from
	// there.
	grafting int

	rtt time.Duration
	// answers is how long answers to a Graft take, the time on the wire not
	// counted.
	answers estimator
	// backoff doubles the wait for answers, and backedOff is when it last did.
	backoff   int
	backedOff protocol.Time
	// busy is until when it is taken to be sending what it was asked for.
	busy protocol.Time
	// opened counts the missing items that it was the first to announce.
	opened int
	// asks counts how often in a row it was asked for what it had announced, and
	// nobody had pushed in time.
	asks int
	// early counts deliveries in a row before which it had long announced, since
	// earlySince.
	early      int
	earlySince protocol.Time
	// run is of duplicates from there without a first copy between them.
	run run

	queue   []protocol.ItemID // to be announced; at most MaxQueue
	flushAt protocol.Time     // Never while queue is empty

	toAsk []protocol.ItemID // scratch of ask
	stats stats
}

// stats are counters for Explain.
type stats struct {
	deliveries, duplicates, pushes, grafts, prunes, unanswered int64

	delivered protocol.Time // the last time, where deliveries > 0
}

// set is a set of neighbours, one bit a slot.
type set uint32

func (n *neighbour) bit() set { return 1 << n.slot }

func (s set) has(n *neighbour) bool { return s&n.bit() != 0 }

// find returns the neighbour with that ID, nil for none.
func (m *Machine) find(p protocol.PeerID) *neighbour {
	if i, ok := m.index(p); ok {
		return m.neighbours[i]
	}
	return nil
}

func (m *Machine) index(p protocol.PeerID) (int, bool) {
	return slices.BinarySearchFunc(m.neighbours, p, func(n *neighbour, p protocol.PeerID) int {
		return strings.Compare(string(n.peer), string(p))
	})
}

// membersChanged takes over the active view's neighbours.
func (m *Machine) membersChanged(now protocol.Time, in protocol.MembersChanged, out *protocol.Outbox) {
	for _, d := range in.Deltas {
		n := m.find(d.Peer)
		switch {
		case d.Gone:
			m.lose(now, n, out)
		case n == nil && d.Relayed:
			// Neither pushed to nor asked: repair brings it what it has no other way to get.
			out.Note("gossip.relayed", d.Peer, protocol.ItemID{}, 0)
		case n == nil:
			m.gain(d, out)
		case d.RTT > 0:
			n.rtt = d.RTT
		}
	}
}

// gain adds a neighbour. Its link starts eager, so that no item is missed until
// the tree knows of it: at first all peers are eager (SRDS 2007, tree
// construction). What was published before is repair's to bring.
func (m *Machine) gain(d protocol.MemberDelta, out *protocol.Outbox) {
	slot := slices.Index(m.slots[:], nil)
	if slot < 0 {
		out.Note("gossip.full", d.Peer, protocol.ItemID{}, MaxNeighbours)
		return
	}
	n := &neighbour{peer: d.Peer, slot: slot, eager: true, rtt: d.RTT, flushAt: protocol.Never}
	m.slots[slot] = n
	i, _ := m.index(d.Peer)
	m.neighbours = slices.Insert(m.neighbours, i, n)
}

// lose removes a neighbour, nil for none, and whatever was hoped for from it.
func (m *Machine) lose(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	if n == nil {
		return
	}
	i, _ := m.index(n.peer)
	m.neighbours = slices.Delete(m.neighbours, i, i+1)
	m.slots[n.slot] = nil
	m.recent.forget(n)
	m.wants.forget(now, n)
	if n.eager {
		m.reroute(now, out)
	}
}

// greatestRTT is that of the neighbours over eager links, 0 while none is known.
func (m *Machine) greatestRTT() time.Duration {
	var rtt time.Duration
	for _, n := range m.neighbours {
		if n.eager {
			rtt = max(rtt, n.rtt)
		}
	}
	return rtt
}

// roundTrip is the measured round trip, or a guess.
func (n *neighbour) roundTrip() time.Duration {
	if n.rtt > 0 {
		return n.rtt
	}
	return unknownRTT
}

// patience is for how long an answer to a Graft is waited for, the time on the
// wire not counted and no answer having been missed: RFC 6298's RTO, with the
// link's round trip in place of the first sample.
func (n *neighbour) patience() time.Duration {
	d := 3 * n.roundTrip() // SRTT + 4*RTTVAR, where RTTVAR = SRTT/2
	if n.answers.samples > 0 {
		d = max(n.answers.bound(), n.roundTrip()+minAnswer)
	}
	return min(max(d, minAnswer), maxAnswer)
}

// maxBackoff bounds how often patience is doubled.
const maxBackoff = 5

// answerWait is patience, doubled for every answer missed in a row: "the host
// MUST set RTO <- RTO * 2 ('back off the timer')" (RFC 6298, section 5.5).
func (n *neighbour) answerWait() time.Duration {
	return min(n.patience()<<n.backoff, maxAnswer)
}
