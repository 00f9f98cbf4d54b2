package donet

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// The mesh of 2005, for comparison ([Config].Paper): no pushing, no spanning part. Each
// partner is sent the whole buffer map once a period, and each period what is missing is
// scheduled and asked for.

const (
	// paperPeriod is the time between two rounds, and the length of a segment: "each
	// segment contains 1-second video" (INFOCOM 2005, section III-C).
	paperPeriod = time.Second
	// paperSlots is the length of the buffer map: "a sliding window of 120-segment can
	// effectively represent the buffer map of a node [...] we thus use 120 bits to record a
	// BM, with bit 1 indicating that a segment is available and 0 otherwise. The sequence
	// number of the first segment [...] is recorded by another two bytes".
	paperSlots = 120
	paperBytes = paperSlots / 8
	// paperDelay is how far behind playback is: the paper leaves it to the player; its
	// deployment buffered ten seconds (our reading).
	paperDelay = 10 * time.Second
	// paperAgain is after how many periods a segment that has not come is asked for again
	// (our guess).
	paperAgain = 2
)

// Slots is the buffer map of 2005, or with Ask a request, "which has the same form".
//
//	flags:1 tag first:uvarint bits:15
//
// Flags: 1 ask.
type Slots struct {
	Ask   bool
	Tag   Tag
	First uint64
	Bits  [paperBytes]byte
}

// Kind implements protocol.Message.
func (Slots) Kind() uint8 { return KindSlots }

// set marks a segment; what is outside of the map is left out.
func (s *Slots) set(seq uint64) {
	if i := seq - s.First; seq >= s.First && i < paperSlots {
		s.Bits[i/8] |= 0x80 >> (i % 8)
	}
}

// each calls f for every segment that is marked.
func (s *Slots) each(f func(seq uint64)) {
	for i := range uint64(paperSlots) {
		if s.Bits[i/8]&(0x80>>(i%8)) != 0 {
			f(s.First + i)
		}
	}
}

// firstSlot is where a map begins that ends with a number.
func firstSlot(top uint64) uint64 { return max(top, paperSlots-1) - (paperSlots - 1) }

// paperRound sends every partner the map, and asks for what is missing.
func (m *Machine) paperRound(now protocol.Time, out *protocol.Outbox) {
	m.paperAt = now.Add(paperPeriod)
	for _, st := range m.streams.order {
		if st.have.used {
			s := Slots{Tag: st.tag, First: firstSlot(st.have.top)}
			for seq := s.First; seq <= st.have.top; seq++ {
				if st.bySeq[seq] != nil {
					s.set(seq)
				}
			}
			for _, p := range m.peers.order {
				if p.partner() && p.speaks() {
					out.Send(p.id, s, protocol.Control, now.Add(paperPeriod))
				}
			}
		}
		m.paperSchedule(now, st, out)
	}
}

// takeSlots takes a partner's map, or its request.
func (m *Machine) takeSlots(now protocol.Time, p *peer, msg Slots, out *protocol.Outbox) {
	st := m.stream(now, msg.Tag)
	if st == nil {
		return
	}
	if msg.Ask {
		var ids []protocol.ItemID
		msg.each(func(seq uint64) {
			if h := st.bySeq[seq]; h != nil && h.serve(p) {
				p.gave.add(now, h.size)
				ids = append(ids, h.id)
			}
		})
		if len(ids) > 0 {
			out.FetchAndSend(p.id, ids, now.Add(paperDelay))
		}
		return
	}
	r := st.rel(p)
	r.theirs = window{}
	msg.each(func(seq uint64) {
		r.theirs.add(seq)
		if !st.have.used {
			st.have.floor(max(seq, 1) - 1)
		}
		if !st.have.has(seq) {
			if w := m.wants.add(now, st, seq); w != nil && w.size == 0 {
				w.size = max(int(st.flow.size), usualSize)
			}
		}
	})
}

// slot is a segment to be fetched and who has it.
type slot struct {
	w         *want
	suppliers []*peer
}

// paperSchedule is the paper's algorithm (figure 3): segments with one potential supplier
// first, then those with two, and so on; of several that would be in time the one with the
// most bandwidth. What each is given takes from its time for the others.
func (m *Machine) paperSchedule(now protocol.Time, st *stream, out *protocol.Outbox) {
	var slots []slot
	for _, w := range m.wants.all() {
		switch {
		case w.st != st || w.handed:
			continue
		case now.Sub(w.first) > 2*time.Minute:
			m.wants.remove(w) // played, or passed over, long ago
			continue
		case w.asked != nil && now.Sub(w.askedAt) < paperAgain*paperPeriod:
			continue
		}
		if w.asked != nil {
			w.asked.slower()
			m.wants.release(w)
		}
		s := slot{w: w}
		for _, p := range m.peers.order {
			if r := st.known(p); p.partner() && p.speaks() && r != nil && r.theirs.used && r.theirs.has(w.seq) && w.seq <= r.theirs.top {
				s.suppliers = append(s.suppliers, p)
			}
		}
		if len(s.suppliers) > 0 {
			slots = append(slots, s)
		}
	}
	slices.SortStableFunc(slots, func(a, b slot) int {
		return cmp.Or(cmp.Compare(len(a.suppliers), len(b.suppliers)), cmp.Compare(a.w.seq, b.w.seq))
	})
	busy := make(map[*peer]time.Duration) // for lookup only
	asks := make(map[*peer]*Slots)        // for lookup only
	for _, s := range slots {
		p := m.paperSupplier(now, s, busy)
		if p == nil {
			continue
		}
		if asks[p] == nil {
			asks[p] = &Slots{Ask: true, Tag: st.tag, First: firstSlot(st.rel(p).theirs.top)}
		}
		asks[p].set(s.w.seq)
		s.w.asked, s.w.askedAt = p, now
		p.owes++
	}
	for _, p := range m.peers.order {
		if a := asks[p]; a != nil {
			out.Send(p.id, *a, protocol.Control, now.Add(paperPeriod))
		}
	}
}

// paperSupplier is the supplier with the most bandwidth of those that are in time; where
// there is only one it is that.
func (m *Machine) paperSupplier(now protocol.Time, s slot, busy map[*peer]time.Duration) (best *peer) {
	left := s.w.first.Add(paperDelay).Sub(now)
	takes := func(p *peer) time.Duration {
		return time.Duration(float64(s.w.size) / p.bandwidth() * float64(time.Second))
	}
	for _, p := range s.suppliers {
		inTime := busy[p]+takes(p) < left || len(s.suppliers) == 1
		if inTime && (best == nil || p.bandwidth() > best.bandwidth()) {
			best = p
		}
	}
	if best != nil {
		busy[best] += takes(best)
	}
	return best
}
