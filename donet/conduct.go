package donet

import (
	"math"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// record is how a peer has behaved.
type record struct {
	spoke     protocol.Time // when anything came from it last
	got, gave gauge         // bytes of items from it, and to it
	rate      float64       // bytes a second at which it answers; 0 for unknown
	failed    int           // requests in a row that it has not answered
	failedAt  protocol.Time
	answerAt  protocol.Time // when its members are answered next
}

// begin makes a partner's score begin anew.
func (r *record) begin(now protocol.Time) { r.got.at, r.gave.at = now, now }

// score is the partner's: "max{ s_ij, s_ji }", the mean of what it has sent to this peer
// and of what this peer has sent to it (INFOCOM 2005, section III-E).
func (r *record) score(now protocol.Time) float64 {
	return max(r.got.value(now), r.gave.value(now))
}

// merit is what a peer has done for this one.
func (r *record) merit(now protocol.Time) float64 { return r.got.value(now) }

// gauge is a mean of bytes a second that forgets within about meanOver.
type gauge struct {
	rate float64
	at   protocol.Time
}

const meanOver = 20 * time.Second

func (g *gauge) value(now protocol.Time) float64 {
	return g.rate * math.Exp(-now.Sub(g.at).Seconds()/meanOver.Seconds())
}

func (g *gauge) add(now protocol.Time, bytes int) {
	g.rate = g.value(now) + float64(bytes)/meanOver.Seconds()
	g.at = now
}

const (
	// usualRate is at what a peer is taken to answer that has not been measured, leastRate
	// what no measurement falls below: bytes a second (our guesses).
	usualRate = 250_000
	leastRate = 8_000
)

// bandwidth is at what the peer answers, in bytes a second.
func (r *record) bandwidth() float64 {
	if r.rate == 0 {
		return usualRate
	}
	return max(r.rate, leastRate)
}

// measured takes in one answer: so many bytes in a time.
func (r *record) measured(took time.Duration, bytes int) {
	sample := float64(bytes) / max(took, time.Millisecond).Seconds()
	if r.rate == 0 {
		r.rate = usualRate
	}
	r.rate += (min(sample, 1e8) - r.rate) / 8
}

// slower takes in that an answer has not come.
func (r *record) slower() { r.rate = max(r.bandwidth()*3/4, leastRate) }

// misses counts what the present parent did not bring.
type misses struct {
	row     int
	brought protocol.Time // when it last brought anything
	share   float64       // of the latest items
}

func (m *misses) came(now protocol.Time) {
	m.row, m.brought = 0, now
	m.share -= m.share / missOver
}

const (
	// missesRow is how many items in a row a parent may fail to bring that others had, where
	// it has brought nothing at all for missSilence (our guesses).
	missesRow   = 2
	missSilence = 200 * time.Millisecond
	// missShare of the latest missOver items or so is what a parent may fail to bring: one
	// that drops some (our guess: five hops that lose 2% each are far below).
	missShare = 0.3
	missOver  = 24
	// banFirst is for how long a peer of bad conduct is left alone; it doubles.
	banFirst = time.Minute
)

// missed notes that the parent did not bring an item, and reports whether that is enough.
func (m *misses) missed(now protocol.Time) bool {
	m.row++
	m.share += (1 - m.share) / missOver
	return m.row >= missesRow && now.Sub(m.brought) > missSilence || m.share > missShare
}

// learn learns from how the first copy of an item came.
func (m *Machine) learn(now protocol.Time, st *stream, w *want, out *protocol.Outbox) {
	if !w.handed {
		return
	}
	pushed := w.by != nil && w.by == st.parent && !w.repaired
	if pushed {
		if w.holders.count() > 0 && w.came > w.first {
			st.late.add(w.came.Sub(w.first))
		}
		if st.misses.share < missShare/3 {
			st.excuses = 0
		}
		return
	}
	if st.parent == nil || w.by == st.parent && !w.gap || w.first < st.joined {
		return
	}
	if w.asks == 0 || now < st.excused {
		return
	}
	if st.misses.missed(now) {
		m.leaveParent(now, st, out)
	}
}

// leaveParent leaves a parent that does not bring what others have, and remembers it.
func (m *Machine) leaveParent(now protocol.Time, st *stream, out *protocol.Outbox) {
	p := st.parent
	out.Note("donet.withholds", p.id, protocol.ItemID{}, int64(st.misses.row))
	out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
	m.orphaned(now, st, "withholds", out)
	m.grudges.add(now, p.id)
	if p.mine {
		m.unfriend(now, p, out)
	}
}

// distrust ends all with a peer that has lied, or brought what is not the author's.
func (m *Machine) distrust(now protocol.Time, p *peer, why string, out *protocol.Outbox) {
	out.Note("donet.distrust: "+why, p.id, protocol.ItemID{}, int64(p.failed))
	p.failed = 0
	m.grudges.add(now, p.id)
	m.changed = true
	if p.partner() {
		out.Send(p.id, Meet{MeetEnd, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		if p.mine {
			m.meetAt = min(m.meetAt, now.Add(m.jitter(meetSoon)))
		}
	}
	p.mine, p.theirs = false, false
	for _, st := range m.streams.order {
		if st.child(p) != nil {
			st.removeChild(p)
			out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		}
		if st.parent == p {
			out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
			m.orphaned(now, st, why, out)
		}
		if st.former == p {
			m.dropFormer(now, st, out)
		}
		if r := st.known(p); r != nil {
			r.theirs = window{}
			r.heard = 0
		}
	}
	m.wants.hurry(now, p)
	for _, w := range m.wants.heap {
		w.holders.remove(p)
	}
}

// grudge is the conduct of one peer.
type grudge struct {
	peer  protocol.PeerID
	times int
	until protocol.Time
}

// grudges remembers the worst, at most MaxGrudges; the one that ends first goes.
type grudges struct{ list []grudge }

func (g *grudges) has(now protocol.Time, p protocol.PeerID) bool {
	for i := range g.list {
		if g.list[i].peer == p {
			return g.list[i].until > now
		}
	}
	return false
}

func (g *grudges) add(now protocol.Time, p protocol.PeerID) {
	for i := range g.list {
		if x := &g.list[i]; x.peer == p {
			x.until = now.Add(banFirst << min(x.times, 6))
			x.times++
			return
		}
	}
	if len(g.list) == MaxGrudges {
		first := 0
		for i := range g.list {
			if g.list[i].until < g.list[first].until {
				first = i
			}
		}
		g.list = slices.Delete(g.list, first, first+1)
	}
	g.list = append(g.list, grudge{p, 1, now.Add(banFirst)})
}
