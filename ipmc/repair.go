package ipmc

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Times and bounds of repair (our guesses).
const (
	// gather is for how long questions are gathered before the sender answers.
	gather = 2 * time.Millisecond
	// Others leave the answer to the sender, until somebody asks again, or unless it
	// has been silent for absent; even then they give it a head start of one window,
	// and so many of them answer, twice as many each time.
	volunteers = 3
	absent     = 5 * time.Second
	// repairHold is for how long after a repair more questions for the same position
	// are taken for earlier than it; those for all of it for one window at least. (Of
	// a long item each may lack other fragments.)
	repairHold = 30 * time.Millisecond
	// repairShare is the share of the rate that repairs may take: one in so many
	// bytes.
	repairShare = 2
	// longRun is how many packets somebody lacks in a row where a buffer has
	// overflowed: chance takes them one by one.
	longRun = 8
	// crowded is how often a position of this peer's own has to be repaired where not
	// only chance loses it: of 50 that lose a tenth each, one in twenty thousand
	// (derived). Then it sends more slowly.
	crowded = 6
	// maxAnswered bounds the positions of one question that are looked at.
	maxAnswered = 256
)

// repair is a position that this peer is about to send to the group again.
type repair struct {
	stream uint64
	seq    uint64
	due    protocol.Time
	p      *parcel
	want   []bool // by packet
	left   int
}

// repairList is the positions about to be repaired, in order of their due times.
type repairList struct{ list []*repair }

func (l *repairList) due() protocol.Time {
	if len(l.list) == 0 {
		return protocol.Never
	}
	return l.list[0].due
}

func (l *repairList) find(stream, seq uint64) int {
	return slices.IndexFunc(l.list, func(r *repair) bool { return r.stream == stream && r.seq == seq })
}

func (l *repairList) add(r *repair) {
	i := len(l.list)
	for i > 0 && l.list[i-1].due > r.due {
		i--
	}
	l.list = slices.Insert(l.list, i, r)
}

// heardNack takes a question to the group: who lacks the same waits for the answer,
// and who has it is ready to give it.
func (m *Machine) heardNack(now protocol.Time, n *Nack, out *protocol.Outbox) {
	s := m.byID[n.Stream]
	if s == nil {
		return
	}
	m.stats.NacksHeard++
	looked := 0
	for _, r := range n.Runs {
		if s.own && r.Seq+r.Len <= m.sending.sent+1 && r.Len*m.packetsAt(r.Seq) >= longRun {
			m.sending.slower(now, m.cfg.Rate)
		}
		for seq := r.Seq; seq < r.Seq+r.Len && looked < maxAnswered; seq++ {
			m.lacked(now, s, seq, nil)
			looked++
		}
	}
	for _, p := range n.Parts {
		m.lacked(now, s, p.Seq, p.Bits)
	}
}

// packetsAt is how many packets a position of the own stream took.
func (m *Machine) packetsAt(seq uint64) uint64 {
	if sl := m.own.at(seq); sl != nil && sl.held != nil {
		return uint64(sl.held.packets())
	}
	return 1
}

// lacked takes in that somebody lacks a position, or the packets of it in bits.
func (m *Machine) lacked(now protocol.Time, s *stream, seq uint64, bits []byte) {
	sl := s.at(seq)
	switch {
	case sl == nil || s.own && seq > m.sending.sent:
	case sl.hole != nil:
		if mine := m.missing(s, sl.hole); sl.hole.item == nil && (bits == nil || covers(bits, mine)) {
			m.askedByOther(now, sl.hole, mine)
		}
	case sl.held == nil:
	case sl.fixed > 0 && now < sl.fixed.Add(repairHold):
	case sl.fixed > 0 && bits == nil && now < sl.fixed.Add(m.asking.window):
		m.asking.widen() // who asks has not yet heard the answer
	case s.own:
		m.asking.narrow()
		m.plan(now, s, seq, sl.held, bits)
	case sl.asks > 0 && now < sl.lacked.Add(minHold/2): // as before
	default:
		sl.lacked = now
		sl.asks++
		if (sl.asks > 1 || now > s.heard.Add(absent)) && m.volunteer(sl.asks) {
			m.plan(now, s, seq, sl.held, bits)
		}
	}
}

// volunteer draws whether this peer answers in the sender's place, when somebody asks
// for the n-th time.
func (m *Machine) volunteer(n int) bool {
	return m.rng.IntN(len(m.beacons.peers)+1) < volunteers<<min(n-1, 16)
}

// has reports whether a bit is set.
func has(bits []byte, k int) bool { return k/8 < len(bits) && bits[k/8]&(1<<(k%8)) != 0 }

// covers reports whether all bits of b, some of a whole item or nil for all of it, are
// set in a.
func covers(a, b []byte) bool {
	if b == nil || len(b) > len(a) {
		return false
	}
	for i := range b {
		if b[i]&^a[i] != 0 {
			return false
		}
	}
	return true
}

// plan makes this peer ready to repair a position: the sender soon, others if nobody
// has done it meanwhile.
func (m *Machine) plan(now protocol.Time, s *stream, seq uint64, p *parcel, bits []byte) {
	i := m.repairs.find(s.id, seq)
	if i < 0 {
		if len(m.repairs.list) == MaxRepairs {
			m.stats.Full++
			return
		}
		r := &repair{stream: s.id, seq: seq, p: p, want: make([]bool, p.packets())}
		switch {
		case s.own:
			r.due = now.Add(gather)
		case now > s.heard.Add(absent):
			r.due = now.Add(m.slot())
		default:
			r.due = now.Add(m.asking.window + m.slot())
		}
		m.repairs.add(r)
		i = m.repairs.find(s.id, seq)
	}
	r := m.repairs.list[i]
	for k := range r.want {
		if (bits == nil || has(bits, k)) && !r.want[k] {
			r.want[k] = true
			r.left++
		}
	}
}

// repaired notes that somebody has sent a packet of a position again.
func (m *Machine) repaired(now protocol.Time, s *stream, seq uint64, packet int) {
	if sl := s.at(seq); sl != nil && sl.hole == nil {
		if packet == 0 && sl.fixed > 0 && now < sl.fixed.Add(m.asking.window) {
			m.asking.widen() // two have answered
		}
		sl.fixed = now
	}
	i := m.repairs.find(s.id, seq)
	if i < 0 {
		return
	}
	r := m.repairs.list[i]
	if packet < len(r.want) && r.want[packet] {
		r.want[packet] = false
		if r.left--; r.left == 0 {
			m.repairs.list = slices.Delete(m.repairs.list, i, i+1)
		}
	}
}

// repairedPart is repaired of a list or data fragment.
func (m *Machine) repairedPart(now protocol.Time, s *stream, seq uint64, msg protocol.Message) {
	switch msg := msg.(type) {
	case *List:
		m.repaired(now, s, seq, 1+msg.Index)
	case *Fragment:
		if i := m.repairs.find(s.id, seq); i >= 0 {
			m.repaired(now, s, seq, 1+m.repairs.list[i].p.first.Lists+msg.Index)
		}
	}
}

// repair sends again what is due.
func (m *Machine) repair(now protocol.Time, out *protocol.Outbox) {
	for m.repairs.due() <= now {
		r := m.repairs.list[0]
		m.repairs.list = slices.Delete(m.repairs.list, 0, 1)
		if r.left == 0 {
			continue
		}
		if s := m.byID[r.stream]; s != nil {
			if sl := s.at(r.seq); sl != nil {
				sl.fixed = now
				if s.own {
					sl.asks++
				}
				if s.own && sl.asks >= crowded {
					m.sending.slower(now, m.cfg.Rate)
				}
			}
		}
		m.sending.enqueueRepair(job{p: r.p, want: r.want})
		m.stats.Repairs++
	}
}

// answer answers a question that came over a link: which item is at each position,
// and then the items from the store.
func (m *Machine) answer(now protocol.Time, to protocol.PeerID, n *Nack, out *protocol.Outbox) {
	s := m.byID[n.Stream]
	if s == nil || !m.linked(to) {
		return
	}
	f := &Fills{Stream: n.Stream}
	var ids []protocol.ItemID
	add := func(seq uint64) {
		sl := s.at(seq)
		if sl == nil || sl.id == (protocol.ItemID{}) || len(f.Fills) == MaxFills {
			return
		}
		f.Fills = append(f.Fills, Fill{seq, sl.id})
		ids = append(ids, sl.id)
	}
	for _, r := range n.Runs {
		for seq := r.Seq; seq < r.Seq+min(r.Len, MaxFills); seq++ {
			add(seq)
		}
	}
	for _, p := range n.Parts {
		add(p.Seq)
	}
	if len(ids) == 0 {
		return
	}
	slices.SortFunc(f.Fills, func(a, b Fill) int { return int(int64(a.Seq) - int64(b.Seq)) })
	f.Fills = slices.CompactFunc(f.Fills, func(a, b Fill) bool { return a.Seq == b.Seq })
	out.Send(to, f, protocol.Control, now.Add(maxHold))
	out.FetchAndSend(to, ids, now.Add(maxHold))
	m.stats.AnsweredOne++
}

// filled notes which items will come over a link for what is missing.
func (m *Machine) filled(f *Fills) {
	s := m.byID[f.Stream]
	if s == nil || s.own {
		return
	}
	for _, fill := range f.Fills {
		h := s.hole(fill.Seq)
		if h == nil || h.item != nil || len(m.handed) >= MaxHanded+MaxFills {
			continue
		}
		m.handed[fill.Item] = append(m.handed[fill.Item], place{stream: s, seq: fill.Seq})
	}
}
