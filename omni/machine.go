package omni

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Machine is one peer's share of one topic's tree. It implements protocol.Machine and
// protocol.Explainer.
type Machine struct {
	cfg    Config
	self   protocol.PeerID
	key    uint64
	author bool // the topic is this peer's own feed
	owned  bool // the topic is a feed
	rng    *rand.Rand

	peers   peerTable
	changed bool // relations: see sync
	nics    nicTable
	addr    string
	budget  int64
	place   vivaldi.Place
	samples sampleTable
	heard   hearsay

	// Where this peer stands. root is empty before any is known.
	root     protocol.PeerID
	epoch    uint64
	lat      time.Duration
	path     []uint64 // ancestors' keys, the root first
	parent   *peer
	children []*peer // in the order in which they are sent to
	weight   int
	bar      bar
	rooted   rootState

	joining     joining
	orphanSince protocol.Time
	beyondAt    protocol.Time // when others are sought, without a parent
	moves       uint64
	last        []move
	grudges     grudges

	flow     flow
	recent   recent
	wants    wants
	silence  silence
	hurt     bool // as of the last digest: it has asked around lately
	late     estimator
	misses   misses
	refusals refusals
	alt      time.Duration // the least latency to be had elsewhere, as last looked

	beatAt, reportAt, lookAt, sampleAt, staleAt protocol.Time
	lookEvery, sampleEvery                      time.Duration
	news                                        int           // how many members that are near are still to be told of a gain
	strangerAt                                  protocol.Time // when a stranger is answered next
	reported                                    protocol.Time
	swap                                        swap
	yielding                                    protocol.Time // until when another place is looked for, because this is asked back
	started                                     protocol.Time
	running                                     bool
}

var (
	_ protocol.Machine   = (*Machine)(nil)
	_ protocol.Explainer = (*Machine)(nil)
)

// New returns a machine that has not started.
func New(cfg Config, env protocol.Env) *Machine {
	m := &Machine{
		cfg: cfg.withDefaults(), self: env.Self, key: protocol.KeyOf(env.Self), rng: env.Rand,
		author: env.Owner != "" && env.Owner == env.Self, owned: env.Owner != "",
		place: vivaldi.NewPlace(), samples: newSampleTable(), recent: newRecent(), wants: newWants(), weight: 1,
		beatAt: protocol.Never, reportAt: protocol.Never, lookAt: protocol.Never,
		sampleAt: protocol.Never, staleAt: protocol.Never,
	}
	m.bar.reset()
	m.silence.at = protocol.Never
	m.rooted.claimAt = protocol.Never
	m.joining.until = protocol.Never
	return m
}

// Plugin is the protocol as a plugin, for every topic of a host.
func Plugin(cfg Config) protocol.Plugin {
	return protocol.Plugin{
		Name:   "omni",
		New:    func(env protocol.Env) protocol.Machine { return New(cfg, env) },
		Decode: Decode,
	}
}

// Handle implements protocol.Machine.
func (m *Machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Start:
		m.start(now, out)
	case protocol.Stop:
		m.stop(now, out)
	case protocol.MembersChanged:
		m.membersChanged(now, in, out)
	case protocol.MembersHeard:
		m.heard.add(m.self, in.Peers)
	case protocol.LinkUp:
		m.linkUp(now, in.Link, out)
	case protocol.LinkDown:
		m.linkGone(now, in.Peer, true, out)
	case protocol.DialFailed:
		m.linkGone(now, in.Peer, false, out)
	case protocol.LinkRTT:
		m.linkRTT(now, in, out)
	case protocol.LinkSuspected:
		m.suspect(now, in.Peer, out)
	case protocol.LinkRestored:
		if p := m.peers.find(in.Peer); p != nil {
			p.suspected = false
			m.greet(now, p, out)
		}
	case protocol.EUIDChanged:
		m.nics.change(in)
	case protocol.AddrsChanged:
		m.addr = ""
		if len(in.Addrs) > 0 && len(in.Addrs[0]) <= MaxAddr {
			m.addr = in.Addrs[0]
		}
	case protocol.BudgetChanged:
		m.budget = in.UploadRate
	default:
		m.item(now, in, out)
	}
	m.sync(out)
}

// item takes the inputs that have to do with items.
func (m *Machine) item(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Received:
		m.received(now, in, out)
	case protocol.Accepted:
		m.accepted(now, in, out)
	case protocol.Duplicate:
		m.duplicate(now, in)
	case protocol.Rejected:
		m.rejected(now, in)
	case protocol.Congested:
		if p := m.peers.find(in.Peer); p != nil {
			p.congested = true
		}
	case protocol.Drained:
		if p := m.peers.find(in.Peer); p != nil {
			p.congested = false
		}
	case protocol.SendDropped:
		if p := m.peers.find(in.Peer); p != nil && in.Item != nil {
			m.announce(now, p, announcement(in.Item.ID, len(in.Item.Bytes)))
		}
	}
}

// received hands a message to who handles its kind.
func (m *Machine) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	from := in.From.Peer
	if c, ok := in.Msg.(protocol.Carry); ok {
		m.carried(now, from, c, out)
		return
	}
	if in.From.Multicast || !m.running {
		return
	}
	if msg, ok := in.Msg.(Samples); ok {
		if p := m.peers.find(from); p != nil {
			p.spoke = now
		}
		m.takeSamples(now, from, msg, out)
		return
	}
	p := m.peers.add(from)
	if p == nil {
		return
	}
	p.linked, p.spoke = true, now
	m.changed = true
	switch msg := in.Msg.(type) {
	case Beat:
		m.takeBeat(now, p, msg.State, out)
	case Same:
		m.takeSame(now, p, msg, out)
	case Again:
		m.takeAgain(now, p)
	case Offer:
		m.takeOffer(now, p, msg.State, out)
	case Join:
		m.takeJoin(now, p, msg, out)
	case Accept:
		m.takeAccept(now, p, msg.State, out)
	case Refuse:
		m.takeRefuse(now, p, msg, out)
	case Leave:
		m.takeLeave(now, p, msg.Reason, out)
	case Report:
		m.takeReport(now, p, msg, out)
	case Watch:
		m.takeWatch(now, p, msg, out)
	case Digest:
		m.takeDigest(now, p, msg, out)
	case Pull:
		m.takePull(now, p, msg, out)
	case Renew:
		m.takeRenew(now, msg.Epoch, out)
	case Yield:
		m.takeYield(now, p, msg, out)
	case Call:
		m.takeCall(now, p, msg, out)
	}
}

// Advance implements protocol.Machine.
func (m *Machine) Advance(now protocol.Time, out *protocol.Outbox) {
	if !m.running {
		return
	}
	m.recent.expire(now.Add(-recognised))
	m.ask(now, out)
	m.flush(now, out)
	m.advanceSilence(now, out)
	m.advanceRoot(now, out)
	m.advanceBeats(now, out)
	m.advanceJoin(now, out)
	m.advanceLook(now, out)
	if m.sampleAt <= now {
		m.exchange(now, out)
	}
	m.sync(out)
}

// Deadline implements protocol.Machine.
func (m *Machine) Deadline() protocol.Time {
	first := protocol.Earliest(m.wants.due(), m.silence.at, m.rooted.claimAt, m.beatAt, m.reportAt,
		m.joining.until, m.lookAt, m.sampleAt, m.staleAt)
	if m.swap.child != nil {
		first = min(first, m.swap.until)
	}
	for _, p := range m.peers.order {
		first = min(first, p.beatAt)
		if !p.congested {
			first = min(first, p.flushAt)
		}
	}
	return first
}

// start begins.
func (m *Machine) start(now protocol.Time, out *protocol.Outbox) {
	if m.running {
		return
	}
	m.running, m.started, m.orphanSince = true, now, now
	m.beyondAt = now.Add(beyondAfter)
	m.lookEvery, m.sampleEvery = lookFirst, sampleFirst
	m.lookAt = now.Add(m.jitter(lookFirst))
	m.sampleAt = now.Add(m.jitter(sampleFirst))
	m.rooted.claimAt = now.Add(m.jitter(claimFirst))
	if m.owned {
		m.rooted.claimAt = now.Add(m.jitter(claimOwned))
	}
	if m.author {
		m.claim(now, out)
	}
}

// stop hands the children over: each is told to look for another parent.
func (m *Machine) stop(now protocol.Time, out *protocol.Outbox) {
	for _, c := range m.children {
		out.Send(c.id, Leave{Left}, protocol.Control, now.Add(time.Second))
	}
	if m.parent != nil {
		out.Send(m.parent.id, Leave{Left}, protocol.Control, now.Add(time.Second))
	}
	m.running = false
	m.children, m.parent = nil, nil
}

// jitter returns a random duration of d ± a quarter.
func (m *Machine) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(m.rng.Int64N(int64(d/2)+1))
}

func (m *Machine) isRoot() bool { return m.root == m.self && m.self != "" }

// attached reports whether this peer has a place in the tree.
func (m *Machine) attached() bool { return m.isRoot() || m.parent != nil }
