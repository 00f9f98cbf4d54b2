package donet

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Where items come at a rate, that none comes is news: whoever hears neither an item nor
// of one for longer than usual asks everybody for a map, long before a failure detector
// knows that parent and partners are dead. The second time it dials members too.

const (
	// silenceSamples is how many items make a rate, silenceGap the mean pause between two
	// beyond which there is none, silenceSlack what a pause may be longer (our guesses).
	silenceSamples = 8
	silenceGap     = time.Second
	silenceSlack   = 80 * time.Millisecond
	// cryPause is the time between two questions, hurtFor that after one in which nothing
	// named is waited for, helpFor for how long a link is kept that was opened for it.
	cryPause = 200 * time.Millisecond
	hurtFor  = 500 * time.Millisecond
	helpFor  = 5 * time.Second
	// maxCries bounds how often is asked, for the authors may just have ceased; helpers is
	// how many members are dialled.
	maxCries = 4
	helpers  = 4
)

// silence notices that items have ceased to come.
type silence struct {
	gap   estimator
	last  protocol.Time
	at    protocol.Time // when it is too long; Never for no rate
	cries int
	hurt  protocol.Time // until when what is named is asked for at once
}

// heard notes an item that was not heard of before.
func (s *silence) heard(now protocol.Time) {
	if gap := now.Sub(s.last); s.last > 0 && gap < 4*silenceGap && s.cries == 0 {
		s.gap.add(gap)
	}
	s.last, s.cries, s.at = now, 0, protocol.Never
	if s.gap.samples >= silenceSamples && s.gap.mean < silenceGap {
		s.at = now.Add(s.gap.bound() + silenceSlack)
	}
}

// hearNews notes that there is something new.
func (m *Machine) hearNews(now protocol.Time) {
	if !m.cfg.Paper {
		m.silence.heard(now)
	}
}

// advanceSilence asks around.
func (m *Machine) advanceSilence(now protocol.Time, out *protocol.Outbox) {
	s := &m.silence
	if s.at > now {
		return
	}
	s.cries++
	s.at = protocol.Never
	if s.cries > maxCries || m.publishes() {
		return
	}
	s.at = now.Add(cryPause)
	s.hurt = now.Add(hurtFor)
	m.alarm(now)
	out.Note("donet.silence", "", protocol.ItemID{}, int64(s.cries))
	for _, p := range m.peers.order {
		if p.speaks() {
			out.Send(p.id, Meet{MeetOnce, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		}
	}
	for range helpers {
		if s.cries < 2 {
			return
		}
		x := m.members.draw(m.rng, func(x *member) bool {
			p := m.peers.find(x.Peer)
			return m.dialable(x) && !m.refusals.has(now, x.Peer) && (p == nil || !p.linked && p.probe == nil)
		})
		if x == nil {
			return
		}
		m.dial(now, x, asHelp, nil)
	}
}

// publishes reports whether this host is an author's.
func (m *Machine) publishes() bool {
	for _, st := range m.streams.order {
		if st.root {
			return true
		}
	}
	return false
}
