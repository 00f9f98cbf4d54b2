package ipmc

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// reorderGrace is for how long a position that was passed over is taken for late,
	// not lost (our guess: on one segment packets rarely overtake each other).
	reorderGrace = 3 * time.Millisecond
	// fresh is up to which position a stream not heard before is taken for a new one,
	// all of which is wanted. Who comes later begins with what he hears, for what was
	// before is known from digests.
	fresh = 32
	// settling is for how long after its beginning a stream may still turn out to be
	// far ahead of what was first heard of it, which was then a repair for others.
	settling = time.Second
)

// check checks a signature, if the source has not used up its share of checks.
func (m *Machine) check(now protocol.Time, src *source, p protocol.PeerID, prefix string, signed, sig []byte) bool {
	if m.cfg.Verify == nil {
		return true
	}
	if !src.checks.take(now) || !m.checks.take(now) {
		m.stats.Unchecked++
		return false
	}
	m.stats.Checks++
	if m.cfg.Verify(p, m.toSign(prefix, signed), sig) {
		return true
	}
	m.stats.Forged++
	return false
}

// What is signed begins so, that no signature stands for something else.
const (
	signFirst  = "quilt-ipmc-first:"
	signBeacon = "quilt-ipmc-beacon:"
)

// toSign is what is signed of a message of this topic.
func (m *Machine) toSign(prefix string, body []byte) []byte {
	b := make([]byte, 0, len(prefix)+len(m.cfg.Topic)+len(body))
	return append(append(append(b, prefix...), m.cfg.Topic[:]...), body...)
}

// headOf is the hash by which first fragments are told apart.
func headOf(f *First) (head Hash) {
	h := sha256.New()
	if f.signed != nil {
		h.Write(f.signed)
	} else {
		h.Write(f.appendSigned(nil))
	}
	h.Write(f.Sig)
	var sum [sha256.Size]byte
	copy(head[:], h.Sum(sum[:0]))
	return head
}

// heardFirst takes a first fragment. It is believed as it is where nothing speaks
// against it: what its author signed is checked when the item is whole. Whoever says
// something else about a position than was said before, or runs far ahead, or comes
// after something false, must have signed it.
func (m *Machine) heardFirst(now protocol.Time, src *source, f *First, out *protocol.Outbox) {
	head := headOf(f)
	s := m.streams[streamKey{f.Origin, f.Epoch}]
	proof := func() bool { return m.check(now, src, f.Origin, signFirst, f.appendSigned(nil), f.Sig) }
	proved := m.cfg.Verify == nil
	switch {
	case s == nil:
		if f.Origin == m.cfg.Self || !proof() {
			return // what this peer said before it was started again, or nobody
		}
		proved = true
		first := f.Seq
		if first <= fresh {
			first = 1
		}
		s = m.follow(now, f.Origin, f.Epoch, first)
	case s.own:
		m.repaired(now, s, f.Seq, 0)
		return
	case f.Seq < s.low:
		m.stats.Stale++
		return
	}
	if sl := s.at(f.Seq); sl != nil && (sl.head == head || sl.hole != nil && sl.hole.a != nil && sl.hole.a.head == head) {
		m.stats.Twice++
		m.repaired(now, s, f.Seq, 0)
		return
	}
	if !proved && (f.Seq > s.sure+MaxJump || now < s.strict || now < src.strict) {
		if !proof() {
			return
		}
		proved = true
	}
	if !m.extend(now, s, f.Seq, out) {
		return
	}
	h := m.vacancy(now, s, f.Seq, &proved, proof)
	if h == nil || slices.Contains(h.banned, head) {
		return
	}
	s.heard = now
	if proved && f.Seq > s.sure {
		s.sure = f.Seq
		m.mayAsk(now, s, now.Add(reorderGrace))
	}
	h.a, h.proved, h.src, h.item, h.handed, h.again = newAssembly(f, head), proved, src, nil, false, 0
	h.due = now.Add(partialGrace)
	m.answered(now, h)
	m.passed(now, s, f.Seq)
	if f.Unit > 0 {
		m.bringing.drop(f.Item)
		for _, msg := range m.sources.take(s.id, f.Seq) {
			m.put(s, h, msg)
		}
	}
	m.progress(now, s, h, out)
}

// vacancy returns the hole that a first fragment of which this peer has another
// head, or none, may fill; nil for none. What contradicts must be proved.
func (m *Machine) vacancy(now protocol.Time, s *stream, seq uint64, proved *bool, proof func() bool) *hole {
	sl := s.at(seq)
	if sl.hole == nil {
		gaveUp := sl.id == (protocol.ItemID{})
		if !gaveUp && (sl.head == Hash{} || sl.proved) {
			return nil // it came another way, or was proved
		}
		if !gaveUp && !*proved {
			if *proved = proof(); !*proved {
				return nil
			}
		}
		if m.holes >= MaxHoles {
			return nil
		}
		*sl = slot{hole: &hole{seq: seq, since: now, due: now.Add(partialGrace)}}
		s.opened(seq)
		m.holes++
		return sl.hole
	}
	h := sl.hole
	if h.a == nil {
		return h
	}
	if h.proved {
		m.stats.Contradicted++
		return nil
	}
	if !*proved {
		if *proved = proof(); !*proved {
			return nil
		}
	}
	m.stats.Contradicted++
	m.suspect(now, s, h)
	m.empty(h)
	return h
}

// suspect makes a stream, and the source of something false, prove what follows.
func (m *Machine) suspect(now protocol.Time, s *stream, h *hole) {
	s.strict = now.Add(strictFor)
	if h.src != nil {
		h.src.strict = now.Add(strictFor)
	}
}

// empty takes what was put together out of a hole.
func (m *Machine) empty(h *hole) {
	if h.a != nil {
		m.open -= h.a.bytes
	}
	h.a, h.item, h.proved, h.again = nil, nil, false, 0
}

// heardPart takes a fragment or a list of hashes.
func (m *Machine) heardPart(now protocol.Time, src *source, id, seq uint64, msg protocol.Message, out *protocol.Outbox) {
	s := m.byID[id]
	if s == nil || seq < s.low || seq > s.sure+MaxJump {
		m.stats.Stale++
		return
	}
	if s.own || seq <= s.top && s.hole(seq) == nil {
		m.stats.Twice++
		m.repairedPart(now, s, seq, msg)
		return
	}
	if !m.extend(now, s, seq, out) {
		return
	}
	m.passed(now, s, seq)
	h := s.hole(seq)
	if h == nil {
		return
	}
	if h.a == nil || h.a.first.Unit == 0 {
		src.keep(loose{s.id, seq, msg})
		h.due = max(h.due, now.Add(reorderGrace))
		m.mayAsk(now, s, h.due)
		return
	}
	switch m.put(s, h, msg) {
	case taken:
		h.due = now.Add(partialGrace)
		if _, list := msg.(*List); list {
			for _, kept := range m.sources.take(s.id, seq) {
				m.put(s, h, kept)
			}
		}
		m.progress(now, s, h, out)
	case unlisted:
		src.keep(loose{s.id, seq, msg})
	case twice:
		m.repairedPart(now, s, seq, msg)
	}
}

// put puts a fragment or list into a hole.
func (m *Machine) put(s *stream, h *hole, msg protocol.Message) (what outcome) {
	if m.open >= MaxOpenBytes {
		m.stats.Full++
		return false_
	}
	before := h.a.bytes
	switch msg := msg.(type) {
	case *List:
		what = h.a.putList(msg)
	case *Fragment:
		what = h.a.putData(msg)
	}
	m.open += h.a.bytes - before
	if what == false_ {
		m.stats.False++
	}
	return what
}

// progress hands an item up when it is whole, and else sees to it that the rest is
// asked for.
func (m *Machine) progress(now protocol.Time, s *stream, h *hole, out *protocol.Outbox) {
	if h.item != nil {
		return
	}
	if !h.a.complete() {
		m.mayAsk(now, s, h.due)
		return
	}
	it, err := h.a.item(m.cfg.Topic)
	if err != nil {
		m.stats.False++
		m.refuse(now, s, h)
		return
	}
	m.open -= h.a.bytes
	h.a.lists, h.a.data, h.a.bytes = nil, nil, 0
	h.item = it
	m.hand(now, s, h, out)
}

// refuse empties a hole of what turned out to be false.
func (m *Machine) refuse(now protocol.Time, s *stream, h *hole) {
	if len(h.banned) == MaxBanned {
		h.banned = slices.Delete(h.banned, 0, 1)
	}
	h.banned = append(h.banned, h.a.head)
	m.suspect(now, s, h)
	m.empty(h)
	h.due = now
	m.mayAsk(now, s, now)
}

// extend makes a stream reach a position at least; what lies between is missing. It
// reports whether the position is remembered.
func (m *Machine) extend(now protocol.Time, s *stream, seq uint64, out *protocol.Outbox) bool {
	if seq <= s.top {
		return true
	}
	gap := seq - s.top
	late := s.low > 1 && now < s.since.Add(settling) && gap > 8
	if gap > MaxWindow || late || m.health.cutOff(m.cfg.Standby) && gap > 8 || m.holes+int(gap) > MaxHoles {
		m.skip(s, seq, out)
	}
	for s.top < seq {
		sl, lost := s.push()
		if lost.hole != nil {
			m.lost(now, s, lost.hole, out)
		}
		sl.hole = &hole{seq: s.top, since: now, due: now.Add(reorderGrace)}
		s.holes = append(s.holes, s.top)
		m.holes++
	}
	if gap > 1 {
		m.mayAsk(now, s, now.Add(reorderGrace))
	}
	return m.holes <= MaxHoles
}

// skip begins a stream anew at a position: what lies before is left to digests.
func (m *Machine) skip(s *stream, seq uint64, out *protocol.Outbox) {
	if missed := int64(seq - 1 - s.top); s.low <= s.top {
		m.stats.Skipped += uint64(missed)
		out.Note("ipmc.skipped", s.origin, protocol.ItemID{}, missed)
	}
	m.clear(s)
	s.low, s.top, s.sure = seq, seq-1, max(s.sure, seq-1)
}

// clear forgets all positions of a stream.
func (m *Machine) clear(s *stream) {
	for _, seq := range s.holes {
		m.empty(s.hole(seq))
		m.holes--
	}
	clear(s.ring)
	s.holes, s.nackAt = s.holes[:0], protocol.Never
}

// passed notes that something sent after them has come: what was begun before and is
// not whole is late now.
func (m *Machine) passed(now protocol.Time, s *stream, seq uint64) {
	for _, p := range s.holes {
		if p >= seq {
			break
		}
		if h := s.hole(p); h.due > now.Add(reorderGrace) {
			h.due = now.Add(reorderGrace)
			m.mayAsk(now, s, h.due)
		}
	}
}
