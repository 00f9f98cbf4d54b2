package ipmc

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/protocol"
)

// Machine is one peer's share of one topic's multicast in one patch. It implements
// protocol.Machine and protocol.Explainer.
type Machine struct {
	cfg   Config
	rng   *rand.Rand
	room  int // for the body of a message
	epoch uint64

	streams map[streamKey]*stream
	byID    map[uint64]*stream
	order   []*stream // by ID
	own     *stream
	holes   int // of all streams
	open    int // bytes of items not complete

	sources sources
	checks  bucket
	handed  map[protocol.ItemID][]place
	held    heldList

	sending sender
	asking  asker
	repairs repairList
	beacons beacons
	health  health

	bringing   bringer
	neighbours []protocol.PeerID // to whom there are links, sorted
	stats      Stats
}

// streamKey is what a stream is found by without hashing.
type streamKey struct {
	origin protocol.PeerID
	epoch  uint64
}

// place is where an item that was handed up belongs.
type place struct {
	stream *stream
	seq    uint64
	src    *source // nil where nothing was taken up of its room
}

var (
	_ protocol.Machine   = (*Machine)(nil)
	_ protocol.Explainer = (*Machine)(nil)
)

// New returns a machine that has not started. Its randomness spreads the moments at
// which peers ask and answer, and names its stream. It panics where cfg.Validate has
// something to say.
func New(cfg Config, rng *rand.Rand) *Machine {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	cfg = cfg.withDefaults()
	m := &Machine{
		cfg: cfg, rng: rng, room: cfg.Packet - Overhead - maxFrameHeader, epoch: rng.Uint64(),
		streams: make(map[streamKey]*stream), byID: make(map[uint64]*stream),
		handed: make(map[protocol.ItemID][]place),
		checks: newBucket(0, checkRate, checkBurst),
	}
	m.own = m.follow(0, cfg.Self, m.epoch, 1)
	m.own.own = true
	m.sending = newSender(cfg.Rate)
	m.asking = newAsker()
	m.beacons = newBeacons(rng)
	m.health = newHealth()
	return m
}

// Handle implements protocol.Machine.
func (m *Machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Received:
		m.received(now, in, out)
	case protocol.Accepted:
		m.accepted(now, in, out)
	case protocol.Duplicate:
		m.duplicate(now, in.ID)
	case protocol.Rejected:
		m.rejected(now, in, out)
	case protocol.MembersChanged:
		m.membersChanged(in)
	case protocol.LinkDown:
		m.unlink(in.Peer)
	case protocol.BudgetChanged:
		m.sending.limit(now, in.UploadRate, m.cfg.Rate)
	case protocol.Start:
		for _, l := range m.cfg.Legs {
			out.Add(protocol.JoinGroup(l))
		}
		m.beacons.start(now, m.rng)
		m.health.start(now)
	case protocol.Stop:
		for _, l := range m.cfg.Legs {
			out.Add(protocol.LeaveGroup(l))
		}
		m.beacons.next, m.health.next = protocol.Never, protocol.Never
		m.bringing.list = nil
	}
}

// received sorts messages: what is said to the group, and what over links. What was
// heard on the group proves by itself who said it, or is believed as little as that.
func (m *Machine) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	if !in.From.Multicast {
		switch msg := in.Msg.(type) {
		case protocol.Carry:
			out.Add(protocol.Arrive{Item: msg.Item, From: in.From.Peer, Hops: msg.Hops, Repaired: msg.Flags&protocol.FlagRepaired != 0})
		case *Nack:
			m.answer(now, in.From.Peer, msg, out)
		case *Fills:
			m.filled(msg)
		}
		return
	}
	src := m.sources.of(now, in.From)
	switch msg := in.Msg.(type) {
	case *First:
		m.heardFirst(now, src, msg, out)
	case *List:
		m.heardPart(now, src, msg.Stream, msg.Seq, msg, out)
	case *Fragment:
		m.heardPart(now, src, msg.Stream, msg.Seq, msg, out)
	case *Nack:
		m.heardNack(now, msg, out)
	case *Beacon:
		m.heardBeacon(now, src, msg, out)
	}
}

// Advance implements protocol.Machine.
func (m *Machine) Advance(now protocol.Time, out *protocol.Outbox) {
	for _, s := range m.order {
		if s.nackAt <= now {
			m.ask(now, s, out)
		}
	}
	m.repair(now, out)
	m.bringDue(now, out)
	m.pump(now, out)
	m.beacon(now, out)
	m.judgeHealth(now, out)
}

// Deadline implements protocol.Machine.
func (m *Machine) Deadline() protocol.Time {
	d := protocol.Earliest(m.repairs.due(), m.sending.due(), m.beacons.due(), m.bringing.due(), m.health.next)
	for _, s := range m.order {
		d = min(d, s.nackAt)
	}
	return d
}

// multicast sends a message to the group on every interface.
func (m *Machine) multicast(msg protocol.Message, out *protocol.Outbox) {
	for _, l := range m.cfg.Legs {
		out.Multicast(l.NIC, l.Group, msg)
	}
}

// follow begins to follow a stream. Where MaxStreams are followed, the one silent
// longest makes room.
func (m *Machine) follow(now protocol.Time, origin protocol.PeerID, epoch, first uint64) *stream {
	if len(m.order) == MaxStreams {
		oldest := m.order[0]
		for _, s := range m.order {
			if !s.own && (oldest.own || s.heard < oldest.heard) {
				oldest = s
			}
		}
		m.forget(oldest)
	}
	s := newStream(now, origin, epoch, first)
	if old := m.byID[s.id]; old != nil {
		m.forget(old) // two of one short name cannot be told apart
	}
	m.streams[streamKey{origin, epoch}], m.byID[s.id] = s, s
	i, _ := slices.BinarySearchFunc(m.order, s, byStreamID)
	m.order = slices.Insert(m.order, i, s)
	return s
}

func byStreamID(a, b *stream) int {
	switch {
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	}
	return 0
}

// forget ends following a stream.
func (m *Machine) forget(s *stream) {
	m.clear(s)
	delete(m.streams, streamKey{s.origin, s.epoch})
	delete(m.byID, s.id)
	if i, ok := slices.BinarySearchFunc(m.order, s, byStreamID); ok {
		m.order = slices.Delete(m.order, i, i+1)
	}
}

// membersChanged keeps the list of those to whom there are links.
func (m *Machine) membersChanged(in protocol.MembersChanged) {
	for _, d := range in.Deltas {
		if d.Gone {
			m.unlink(d.Peer)
		} else if i, known := slices.BinarySearchFunc(m.neighbours, d.Peer, comparePeers); !known {
			m.neighbours = slices.Insert(m.neighbours, i, d.Peer)
		}
	}
}

func (m *Machine) unlink(p protocol.PeerID) {
	if i, known := slices.BinarySearchFunc(m.neighbours, p, comparePeers); known {
		m.neighbours = slices.Delete(m.neighbours, i, i+1)
	}
}

func (m *Machine) linked(p protocol.PeerID) bool {
	_, known := slices.BinarySearchFunc(m.neighbours, p, comparePeers)
	return known
}

func comparePeers(a, b protocol.PeerID) int { return strings.Compare(string(a), string(b)) }
