package donet

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Machine is one peer's share of one topic's mesh. It implements protocol.Machine and
// protocol.Explainer.
type Machine struct {
	cfg   Config
	self  protocol.PeerID
	key   uint32
	owner protocol.PeerID
	rng   *rand.Rand

	peers    peerTable
	changed  bool // relations: see sync
	streams  streamTable
	members  memberTable
	nics     nicTable
	addr     string
	budget   int64
	place    vivaldi.Place
	wants    wants
	serving  serving
	silence  silence
	grudges  grudges
	refusals refusals

	meetAt, exchangeAt, membersAt protocol.Time
	paperAt                       protocol.Time // Never but for Config.Paper
	membersEvery                  time.Duration
	needAt                        protocol.Time // when it may say next that it needs maps
	alarmed                       bool          // it depends on all links, until calmAt
	calmAt                        protocol.Time
	running                       bool
}

var (
	_ protocol.Machine   = (*Machine)(nil)
	_ protocol.Explainer = (*Machine)(nil)
)

// New returns a machine that has not started. It panics where cfg.Validate has something
// to say.
func New(cfg Config, env protocol.Env) *Machine {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	m := &Machine{
		cfg: cfg.withDefaults(), self: env.Self, key: keyOf(env.Self), owner: env.Owner, rng: env.Rand,
		place: vivaldi.NewPlace(), wants: newWants(), members: newMemberTable(),
		meetAt: protocol.Never, exchangeAt: protocol.Never, membersAt: protocol.Never, paperAt: protocol.Never, calmAt: protocol.Never,
	}
	m.silence.at = protocol.Never
	return m
}

// Plugin is the protocol as a plugin, for every topic of a host: "donet", or with
// Config.Paper "donet-2005".
func Plugin(cfg Config) protocol.Plugin {
	name := "donet"
	if cfg.Paper {
		name = "donet-2005"
	}
	return protocol.Plugin{
		Name:   name,
		Relies: true,
		New:    func(env protocol.Env) protocol.Machine { return New(cfg, env) },
		Decode: Decode,
	}
}

// Handle implements protocol.Machine.
func (m *Machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Start:
		m.start(now)
	case protocol.Stop:
		m.stop(now, out)
	case protocol.MembersChanged:
		m.membersChanged(now, in, out)
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
		m.rejected(now, in, out)
	case protocol.Congested:
		if p := m.peers.find(in.Peer); p != nil {
			p.congested = true
		}
	case protocol.Drained:
		if p := m.peers.find(in.Peer); p != nil {
			p.congested = false
			m.retellAll(now, p)
		}
	case protocol.SendDropped:
		m.sendDropped(now, in)
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
	p := m.peers.add(from)
	if p == nil {
		return
	}
	m.changed = m.changed || !p.linked
	p.linked, p.spoke = true, now
	switch msg := in.Msg.(type) {
	case Map:
		m.takeMap(now, p, msg, out)
	case Ask:
		m.takeAsk(now, p, msg, out)
	case Meet:
		m.takeMeet(now, p, msg, out)
	case Stand:
		m.takeStand(now, p, msg, out)
	case Join:
		m.takeJoin(now, p, msg, out)
	case Refuse:
		m.takeRefuse(now, p, msg.Stand, out)
	case Leave:
		m.takeLeave(now, p, msg.Tag, out)
	case Report:
		m.takeReport(now, p, msg)
	case Late:
		m.takeLate(now, p, msg.Tag)
	case Members:
		m.takeMembers(now, p, msg, out)
	case Slots:
		m.takeSlots(now, p, msg, out)
	case Yield:
		m.takeYield(now, p, msg, out)
	}
}

// Advance implements protocol.Machine.
func (m *Machine) Advance(now protocol.Time, out *protocol.Outbox) {
	if !m.running {
		return
	}
	if m.paperAt <= now {
		m.paperRound(now, out)
	}
	m.ask(now, out)
	m.flushMaps(now, out)
	m.serve(now, out)
	m.advanceSilence(now, out)
	m.advanceTrees(now, out)
	m.advancePartners(now, out)
	if m.membersAt <= now {
		m.exchangeMembers(now, out)
	}
	if m.calmAt <= now {
		m.alarmed, m.calmAt, m.changed = false, protocol.Never, true
	}
	m.sync(out)
}

// Deadline implements protocol.Machine.
func (m *Machine) Deadline() protocol.Time {
	first := protocol.Earliest(m.wants.due(), m.silence.at, m.meetAt, m.exchangeAt, m.membersAt, m.paperAt, m.calmAt, m.serving.at())
	for _, st := range m.streams.order {
		first = protocol.Earliest(first, st.beatAt, st.lookAt, st.reportAt, st.joinUntil, st.formerUntil)
		for _, r := range st.rels {
			if r != nil {
				first = min(first, r.standAt, r.flushAt)
			}
		}
	}
	return first
}

// start begins.
func (m *Machine) start(now protocol.Time) {
	if m.running {
		return
	}
	m.running = true
	m.meetAt = now.Add(m.jitter(meetSoon))
	m.exchangeAt = now.Add(m.jitter(m.cfg.Exchange))
	m.membersEvery = membersFirst
	m.membersAt = now.Add(m.jitter(membersFirst))
	if m.cfg.Paper {
		m.paperAt = now.Add(m.jitter(paperPeriod))
		return
	}
	if m.owner != "" {
		st := m.stream(now, 0)
		m.plant(now, st)
		if m.owner == m.self {
			m.takeRoot(now, st)
		}
	}
}

// stop tells those that depend on this peer to look for others.
func (m *Machine) stop(now protocol.Time, out *protocol.Outbox) {
	for _, st := range m.streams.order {
		for _, c := range st.children {
			out.Send(c.p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		}
		if st.parent != nil {
			out.Send(st.parent.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		}
		m.dropFormer(now, st, out)
		st.children, st.parent = nil, nil
	}
	for _, p := range m.peers.order {
		if p.partner() {
			out.Send(p.id, Meet{Mode: MeetEnd, At: m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		}
	}
	m.running = false
}

// tag is the stream of an author.
func (m *Machine) tag(author protocol.PeerID) Tag {
	if author == m.owner {
		return 0
	}
	return tagOf(author)
}

// jitter returns a random duration of d ± a quarter.
func (m *Machine) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(m.rng.Int64N(int64(d/2)+1))
}
