package gossipmembership

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// View is one peer's active view of one group: a protocol.Machine. See the
// package comment for the protocol, ViewConfig for the sizes.
//
// Inputs it knows: Start, Stop, LinkUp, LinkDown, LinkRTT, LinkSuspected,
// LinkRestored, DialFailed, Received with its own messages, Candidates. Links of
// all groups may be reported: a link makes no member.
//
// Effects: Send, Dial, Close, Event, Up and Down. A link is needed from Dial or Up
// until Close, or until it fails. Close follows the last message at once: whoever
// closes the link sends first what is queued.
type View struct {
	cfg  ViewConfig
	self PeerID
	book Book
	rng  *rand.Rand

	running bool
	links   linkMap

	active  []neighbor // in the order of joining
	asks    []ask      // requests under way; each has a place in active reserved
	passive []member   // members to try, in no order; may be asked meanwhile
	lost    []lostMember

	exchange     exchange      // the shuffle under way
	shuffleEvery time.Duration // adapts to what shuffles bring
	shuffleAt    protocol.Time
	presentAt    protocol.Time
	pace         pace // of requests to fill the view
	rotateAt     protocol.Time
	rotateTries  int // further members that this rotation may try
	rotatedAt    protocol.Time
	recontactAt  protocol.Time
}

// link is what is known of a link that is up.
type link struct {
	rtt       time.Duration
	suspected bool
	// dialled is set where this host dialled: the link is its own choice.
	dialled bool
	// nextSample is when the peer may have records with a refusal again.
	nextSample protocol.Time
}

// NewView returns a view of the group in which self takes part. The seed of rng
// should be secret: whoever knows it knows whom the view will ask.
func NewView(cfg ViewConfig, self PeerID, book Book, rng *rand.Rand) *View {
	return &View{
		cfg:  cfg.withDefaults(),
		self: self,
		book: book,
		rng:  rng,
	}
}

// Handle implements protocol.Machine.
func (v *View) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Start:
		v.start(now)
	case protocol.Stop:
		v.stop(now, out)
	case protocol.LinkUp:
		v.linkUp(now, in.Link, out)
	case protocol.LinkDown:
		v.linkDown(now, in.Peer, in.Reason, out)
	case protocol.LinkRTT:
		v.editLink(in.Peer, func(l *link) { l.rtt = in.RTT })
	case protocol.LinkSuspected:
		v.suspect(now, in.Peer)
	case protocol.LinkRestored:
		v.setSuspected(in.Peer, false)
	case protocol.DialFailed:
		v.dialFailed(now, in.Peer, out)
	case protocol.Received:
		v.receive(now, in, out)
	case Candidates:
		v.candidates(now, in)
	default:
		return
	}
	v.Advance(now, out)
}

// receive takes in a message. What did not come over a link is not answered.
func (v *View) receive(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	from := in.From.Peer
	if _, linked := v.links.get(from); !linked || in.From.Multicast || !v.running {
		return
	}
	if i := v.neighborIndex(from); i >= 0 {
		v.active[i].heardAt = now
	}
	switch m := in.Msg.(type) {
	case Neighbor:
		v.neighbor(now, from, m, out)
	case NeighborReply:
		v.neighborReply(now, from, m, out)
	case Disconnect:
		v.disconnect(now, from, m, out)
	case Present:
		v.present(now, from, m.Degree, out)
	case Shuffle:
		v.shuffle(now, from, m, out)
	case ShuffleReply:
		v.shuffleReply(now, from, m, out)
	}
}

// Advance implements protocol.Machine.
func (v *View) Advance(now protocol.Time, out *protocol.Outbox) {
	if !v.running {
		return
	}
	v.expireAsks(now, out)
	v.dropSilent(now, out)
	v.advanceShuffle(now, out)
	v.advancePresent(now, out)
	v.advanceRotate(now, out)
	v.advanceRecontact(now, out)
	v.fill(now, out)
}

// Deadline implements protocol.Machine.
func (v *View) Deadline() protocol.Time {
	if !v.running {
		return protocol.Never
	}
	at := protocol.Earliest(v.shuffleAt, v.presentAt, v.rotateAt, v.recontactAt, v.fillAt())
	for i := range v.asks {
		at = min(at, v.asks[i].deadline)
	}
	for i := range v.active {
		at = min(at, v.silentAt(&v.active[i]))
	}
	return at
}

// start sets the timers going, each at a random phase, so that groups that start
// together do not tick together.
func (v *View) start(now protocol.Time) {
	if v.running {
		return
	}
	v.running = true
	v.shuffleEvery = v.shortShuffleEvery()
	v.shuffleAt = now.Add(v.jitter(v.shuffleEvery))
	v.presentAt = now.Add(v.jitter(v.cfg.PresentEvery))
	v.rotateAt = now.Add(v.jitter(v.cfg.RotateEvery))
	v.rotatedAt = now.Add(-v.cfg.RotateEvery)
	v.recontactAt = now.Add(v.jitter(v.cfg.RecontactEvery))
	v.hurry(now)
}

// stop says goodbye to the neighbours and withdraws what was asked.
func (v *View) stop(now protocol.Time, out *protocol.Outbox) {
	if !v.running {
		return
	}
	v.running = false
	for len(v.active) > 0 {
		v.dismiss(now, len(v.active)-1, ReasonLeft, out)
	}
	for len(v.asks) > 0 {
		v.withdraw(now, len(v.asks)-1, ReasonLeft, out)
	}
	v.exchange = exchange{}
}

// jitter returns a random duration of d ± a quarter.
func (v *View) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(v.rng.Int64N(int64(d/2)+1))
}

// patience is how long the answer to a message may take: 2 s for a busy peer and
// four round trips for the way (our guess).
func (v *View) patience(peer PeerID) time.Duration {
	l, _ := v.links.get(peer)
	return 2*time.Second + 4*l.rtt
}
