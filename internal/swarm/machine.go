package swarm

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Machine fetches and serves the large contents of one topic.
type Machine struct {
	cfg   Config
	rng   *rand.Rand
	peers []*neighbour // by ID

	byRoot   map[large.Hash]*transfer // for lookup only
	fetching []*transfer              // in the order in which they got their places
	waiting  []*transfer
	done     []*transfer // known longest first
	serving  []*transfer // of done, those with sides

	tokens   uint64
	storing  map[uint64]stored
	inFlight int // bytes asked for, or being stored
	up       pace
	line     line
	turn     int // whose turn it is to be served
	due      protocol.Time
	stats    Stats
}

// stored is a piece on its way to the disk.
type stored struct {
	t     *transfer
	index int
	bytes int
}

// Stats counts what went through a machine. Bytes are those of pieces.
type Stats struct {
	// Received, Stored and Sent count pieces that came, were new and genuine, and were
	// handed out. Twice counts those that were there already, Forged what was none.
	Received, Stored, Sent, Twice, Forged uint64
	ReceivedBytes, SentBytes              uint64
}

// New returns a machine.
func New(cfg Config, rng *rand.Rand) *Machine {
	return &Machine{cfg: cfg, rng: rng, byRoot: make(map[large.Hash]*transfer),
		storing: make(map[uint64]stored), due: protocol.Never}
}

// Handle implements protocol.Machine.
func (m *Machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Received:
		m.received(now, in, out)
	case protocol.Accepted:
		m.accepted(now, in.Item, out)
	case Opened:
		m.opened(now, in, out)
	case PieceStored:
		m.pieceStored(now, in, out)
	case Kept:
		m.kept(in)
	case Gone:
		m.gone(now, in.Root, out)
	case protocol.MembersChanged:
		for _, d := range in.Deltas {
			m.member(now, d, out)
		}
	case protocol.LinkDown:
		m.remove(in.Peer)
	case protocol.LinkRTT:
		m.withPeer(in.Peer, func(n *neighbour) { n.rtt = in.RTT })
	case protocol.LinkSuspected:
		m.withPeer(in.Peer, func(n *neighbour) { n.suspected = true; m.takeBack(n) })
	case protocol.LinkRestored:
		m.withPeer(in.Peer, func(n *neighbour) { n.suspected = false })
	case protocol.Congested:
		m.withPeer(in.Peer, func(n *neighbour) { n.congested = true })
	case protocol.Drained:
		m.withPeer(in.Peer, func(n *neighbour) { n.congested = false })
		m.serve(now, out)
	case protocol.BudgetChanged:
		m.up.set(now, in.UploadRate)
	}
	m.alarm(now)
}

// received takes a message of a neighbour; others may say nothing here.
func (m *Machine) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	n := m.peer(in.From.Peer)
	if n == nil {
		return
	}
	switch msg := in.Msg.(type) {
	case Have:
		m.takeHave(now, n, msg, out)
	case Want:
		m.takeWant(now, n, msg, out)
	case Piece:
		m.takePiece(now, n, msg, out)
	case Sorry:
		m.takeSorry(now, n, msg, out)
	}
}

// Advance implements protocol.Machine.
func (m *Machine) Advance(now protocol.Time, out *protocol.Outbox) {
	m.due = protocol.Never
	m.expire(now, out)
	for _, t := range slices.Clone(m.fetching) {
		m.upkeep(now, t, out)
	}
	for _, t := range slices.Clone(m.serving) {
		m.seedOn(now, t, out)
		m.tell(now, t, out)
		m.idle(t)
	}
	m.refill(now, out)
	m.forgetWants(now)
	m.serve(now, out)
	m.alarm(now)
}

// Deadline implements protocol.Machine.
func (m *Machine) Deadline() protocol.Time { return m.due }

// alarm sets when the machine wants to be woken: soon while anything moves.
func (m *Machine) alarm(now protocol.Time) {
	pause := time.Duration(0)
	if len(m.fetching)+len(m.waiting)+len(m.serving) > 0 {
		pause = slowTick
	}
	if m.inFlight > 0 || m.wanted() || slices.ContainsFunc(m.fetching, (*transfer).news) || slices.ContainsFunc(m.serving, (*transfer).news) {
		pause = tick
	}
	if pause == 0 {
		m.due = protocol.Never
	} else {
		m.due = min(m.due, now.Add(pause))
	}
}

// neighbour is a peer of the topic's active view with a direct link.
type neighbour struct {
	id        protocol.PeerID
	rtt       time.Duration
	suspected bool
	congested bool
	shunned   bool // it sent a forged piece

	window float64       // pieces that may be asked of it at a time
	asked  int           // that are
	took   time.Duration // what answers take, smoothed; 0 for none yet
	// How often in a row pieces did not come, and until when none is asked for.
	strikes    int
	quietUntil protocol.Time
	// Pieces ever asked of it, and received.
	tried, given int
	triedAt      protocol.Time // when it was first asked
	servedAt     protocol.Time // when it was last sent a piece; 0 for never
}

func (m *Machine) find(p protocol.PeerID) (int, bool) {
	return slices.BinarySearchFunc(m.peers, p, func(n *neighbour, p protocol.PeerID) int { return cmp.Compare(n.id, p) })
}

// peer returns a neighbour, nil for none.
func (m *Machine) peer(p protocol.PeerID) *neighbour {
	if i, ok := m.find(p); ok {
		return m.peers[i]
	}
	return nil
}

func (m *Machine) withPeer(p protocol.PeerID, f func(*neighbour)) {
	if n := m.peer(p); n != nil {
		f(n)
	}
}

// member takes in a change among neighbours: who comes is asked what it has of what is
// being fetched.
func (m *Machine) member(now protocol.Time, d protocol.MemberDelta, out *protocol.Outbox) {
	if d.Gone || d.Relayed {
		m.remove(d.Peer)
		return
	}
	i, known := m.find(d.Peer)
	if known {
		m.peers[i].rtt = cmp.Or(d.RTT, m.peers[i].rtt)
		return
	}
	if len(m.peers) >= MaxNeighbours {
		return
	}
	n := &neighbour{id: d.Peer, rtt: d.RTT, window: firstWindow}
	m.peers = slices.Insert(m.peers, i, n)
	for _, t := range m.fetching {
		m.introduce(now, t, t.side(n), out)
	}
}

// remove forgets a neighbour and takes back what it was asked for.
func (m *Machine) remove(p protocol.PeerID) {
	i, known := m.find(p)
	if !known {
		return
	}
	n := m.peers[i]
	m.takeBack(n)
	m.peers = slices.Delete(m.peers, i, i+1)
	for _, t := range slices.Concat(m.fetching, m.waiting, m.serving) {
		t.removeSide(n)
	}
}
