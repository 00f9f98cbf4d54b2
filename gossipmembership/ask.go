package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxFillAsks bounds the members asked at once to fill the view (our guess: one
// that does not answer takes seconds, and three rarely do not answer together).
// With a rotation and the recontacting of lost members no more than
// MaxActive+Overflow places are ever taken or reserved.
const maxFillAsks = 3

const (
	// dialPatience guards against a driver that never reports on a Dial; a
	// driver gives up after 10 s.
	dialPatience = 30 * time.Second
	// sampleEvery is how often one link gets records with a refusal.
	sampleEvery = 10 * time.Second
	// parted is how long peers that have parted leave each other alone.
	parted = time.Minute
)

// purpose says why a member is asked.
type purpose uint8

const (
	toFill purpose = iota
	toRotate
	toRecontact
)

func (p purpose) String() string {
	return [...]string{"fill", "rotate", "recontact"}[p]
}

// ask is a request to become neighbours, from the dial to the answer.
type ask struct {
	peer     PeerID
	nonce    uint64
	why      purpose
	dialing  bool
	deadline protocol.Time
}

// ask asks a member to become a neighbour, over the link that is up or a new one.
func (v *View) ask(now protocol.Time, peer PeerID, why purpose, out *protocol.Outbox) {
	a := ask{peer: peer, why: why, dialing: true, deadline: now.Add(dialPatience)}
	if _, linked := v.links.get(peer); linked {
		v.put(now, &a, out)
	} else {
		out.Add(protocol.Dial{Peer: peer, Reason: "view: " + why.String()})
	}
	v.asks = append(v.asks, a)
}

// put sends the request now that the link is up.
func (v *View) put(now protocol.Time, a *ask, out *protocol.Outbox) {
	a.dialing = false
	a.nonce = v.rng.Uint64()
	a.deadline = now.Add(v.patience(a.peer))
	msg := Neighbor{Nonce: a.nonce, Degree: v.degree(), Want: v.want(a)}
	out.Send(a.peer, msg, protocol.Control, a.deadline)
}

// want is how many other members to ask for with a refusal: as many as there may
// be without neighbours; none for a rotation, unless the member may be of a part
// of the group that this view knows nothing of.
func (v *View) want(a *ask) int {
	switch i := v.memberIndex(a.peer); {
	case len(v.active) == 0:
		return MaxRecords
	case a.why == toRotate && !(i >= 0 && v.passive[i].told):
		return 0
	}
	return v.cfg.ShuffleSize
}

// neighborReply takes in the answer to a request, and nothing that was not asked.
func (v *View) neighborReply(now protocol.Time, from PeerID, m NeighborReply, out *protocol.Outbox) {
	i := v.askIndex(from)
	if i < 0 || v.asks[i].dialing || v.asks[i].nonce != m.Nonce {
		v.unasked(now, from, m, out)
		return
	}
	a := v.takeAsk(i)
	if m.Accept {
		v.makeRoom(now, a.why, out)
		v.add(now, neighbor{peer: from, outbound: true, degree: m.Degree}, out)
		return
	}
	v.alive(now, from)
	v.refused(now, from)
	if a.why == toFill {
		v.pace.refused(now, v.jitter)
	}
	v.learn(now, m.Records, from)
	out.Add(protocol.Close{Peer: from, Reason: "view: refused"})
	out.Note("view.refused", from, protocol.ItemID{}, int64(m.Degree))
	v.rotateOn(now, a.why, out)
}

// unasked deals with an answer that nobody waits for. A late yes is withdrawn, or
// the other side would keep a neighbour that is none.
func (v *View) unasked(now protocol.Time, from PeerID, m NeighborReply, out *protocol.Outbox) {
	if v.neighborIndex(from) >= 0 {
		return // the answer to a request that crossed theirs
	}
	out.Note("view.unsolicited", from, protocol.ItemID{}, 0)
	if m.Accept && v.askIndex(from) < 0 {
		out.Send(from, Disconnect{Reason: ReasonNotNeighbor}, protocol.Control, now.Add(parted))
	}
}

// expireAsks gives up requests that have had no answer.
func (v *View) expireAsks(now protocol.Time, out *protocol.Outbox) {
	for i := 0; i < len(v.asks); {
		if v.asks[i].deadline > now {
			i++
			continue
		}
		v.withdraw(now, i, ReasonNotNeighbor, out)
	}
}

// withdraw gives up request i. Its yes may be on its way or lost, so the peer is
// told that it is no neighbour.
func (v *View) withdraw(now protocol.Time, i int, reason Reason, out *protocol.Outbox) {
	if a := v.asks[i]; !a.dialing {
		out.Send(a.peer, Disconnect{Reason: reason}, protocol.Control, now.Add(parted))
	}
	v.askFailed(now, i, "view.ask-timeout", out)
}

// askFailed ends request i without an answer. The member stays known.
func (v *View) askFailed(now protocol.Time, i int, note string, out *protocol.Outbox) {
	a := v.takeAsk(i)
	v.failed(now, a.peer)
	out.Add(protocol.Close{Peer: a.peer, Reason: note})
	out.Note(note, a.peer, protocol.ItemID{}, int64(len(v.active)))
	v.rotateOn(now, a.why, out)
}

func (v *View) askIndex(peer PeerID) int {
	for i := range v.asks {
		if v.asks[i].peer == peer {
			return i
		}
	}
	return -1
}

// takeAsk removes request i and returns it.
func (v *View) takeAsk(i int) ask {
	a := v.asks[i]
	v.asks = append(v.asks[:i], v.asks[i+1:]...)
	return a
}
