package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Where items come at a rate, that none comes is news: whoever hears neither an item nor
// an announcement for longer than usual asks every neighbour what it has missed, long
// before a failure detector knows that parent and standbys are dead, and dials members that
// it has heard of: where half of all are dead, somebody's neighbours are dead to the last.

const (
	// silenceSamples is how many items make a rate, silenceGap the mean pause between
	// two beyond which there is none, silenceSlack what a pause may be longer (our
	// guesses).
	silenceSamples = 8
	silenceGap     = time.Second
	silenceSlack   = 60 * time.Millisecond
	// cryPause is the time between two questions, hurtFor that after one in which
	// nothing announced is waited for (our guesses).
	cryPause = 200 * time.Millisecond
	hurtFor  = 500 * time.Millisecond
	// maxCries bounds how often it asks, for the publishers may just have ceased.
	maxCries = 3
	// rescuers is how many members are dialled.
	rescuers = 4
)

// silence notices that items have ceased to come.
type silence struct {
	gap   estimator
	last  protocol.Time
	at    protocol.Time // when it is too long; Never for no rate
	cries int
	hurt  protocol.Time // until when what is announced is asked for at once
	cried protocol.Time // when everybody was asked last for the first time
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

// advanceSilence asks around.
func (m *Machine) advanceSilence(now protocol.Time, out *protocol.Outbox) {
	s := &m.silence
	if s.at > now {
		return
	}
	s.cries++
	s.at = protocol.Never
	if m.isRoot() || s.cries > maxCries {
		return
	}
	s.at = now.Add(cryPause)
	s.hurt = now.Add(hurtFor)
	if s.cries == 1 {
		s.cried = now
	}
	out.Note("omni.silence", "", protocol.ItemID{}, int64(s.cries))
	for _, p := range m.peers.order {
		if p.speaks() && p.helps <= now {
			p.helps = now.Add(guestFor)
			m.changed = true
			out.Send(p.id, m.cry(), protocol.Control, now.Add(time.Second))
		}
	}
	m.rescue(now, out)
}

// cry is what a peer in need says.
func (m *Machine) cry() Watch { return Watch{Mode: WatchAWhile, Last: m.recent.last()} }

// mute reports whether a peer should have answered the last cry by now, and has not.
func (m *Machine) mute(now protocol.Time, p *peer) bool {
	c := m.silence.cried
	return c > 0 && p.spoke < c && now.Sub(c) < 2*time.Second && now > c.Add(p.roundTrip()*5/4+answerSlack)
}

// rescue dials members for help.
func (m *Machine) rescue(now protocol.Time, out *protocol.Outbox) {
	for range rescuers {
		before := len(m.peers.order)
		m.dialSome(now, 1, asSource, out)
		if len(m.peers.order) == before {
			break
		}
	}
	for _, p := range m.peers.order {
		// A door is as good as whom it leads to.
		if p.probe != nil && (p.probe.why == asSource || p.probe.why == asDoor) {
			p.helps = now.Add(guestFor)
		}
	}
}
