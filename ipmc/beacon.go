package ipmc

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Times of beacons (our guesses, but that some routers break at one a second, so that
// none keeps that pace).
const (
	// firstPause is the longest pause after the first beacon; it doubles up to
	// longestPause or, of many peers, what leaves beaconsPerSecond to all together. Each
	// is shortened by up to a half, drawn anew, or peers that were started at once
	// would all beat together.
	firstPause       = 2500 * time.Millisecond
	longestPause     = 6 * time.Second
	beaconsPerSecond = 3 // and a third more, as pauses are shortened
	mostPause        = 30 * time.Second
	// leastPause is kept between two beacons whoever comes.
	leastPause = firstPause / 2
	// answerWithin is how soon a newcomer is answered, for each peer there is.
	answerWithin = 100 * time.Millisecond
	// The last item sent is followed by beacons, so that its loss is noticed: the first
	// after four times the usual time between items, minTail to maxTail; then each after
	// twice as long, maxTails of them.
	minTail  = 40 * time.Millisecond
	maxTail  = 200 * time.Millisecond
	maxTails = 4
	// patience is how many announced pauses somebody may be silent, slack what is
	// added to that.
	patience = 3
	slack    = time.Second
	// maxNonces is how many of the latest own beacons count when they are answered.
	maxNonces = 8
	// beaconsMissed bounds how many of a peer's beacons in a row count as lost.
	beaconsMissed = 3
)

// peer is somebody whose beacons are heard.
type peer struct {
	id     protocol.PeerID
	short  uint64
	epoch  uint64
	nonce  uint64        // of the latest
	until  protocol.Time // silent beyond this, it counts as gone
	hears  protocol.Time // until when it is known to hear this peer
	echoed protocol.Time
	lost   float64 // share of its beacons
}

// beacons decides when this peer says that it is there, and knows who else is.
type beacons struct {
	peers []peer // by ID
	nonce uint64
	said  [maxNonces]protocol.Time // when the latest were sent, by nonce
	pause time.Duration
	last  protocol.Time
	next  protocol.Time
	// The beacons that follow the last item: when the next is due, and how many there
	// were; between is the usual time between items.
	tail    protocol.Time
	tails   int
	sent    protocol.Time
	between time.Duration
}

func newBeacons(rng *rand.Rand) beacons {
	// Nobody can have recorded an answer to what will be said: nonces begin anywhere.
	return beacons{nonce: uint64(rng.Uint32()), pause: firstPause, next: protocol.Never, tail: protocol.Never, between: maxTail}
}

func (b *beacons) start(now protocol.Time, rng *rand.Rand) {
	b.next = now.Add(time.Duration(rng.Int64N(int64(firstPause / 4))))
}

func (b *beacons) due() protocol.Time { return min(b.next, b.tail) }

// sentAt notes that an item has been sent.
func (b *beacons) sentAt(now protocol.Time) {
	if b.sent > 0 {
		gap := min(now.Sub(b.sent), maxTail)
		b.between += (gap - b.between) / 8
	}
	b.sent = now
	b.tails = 0
	b.tail = now.Add(b.tailPause())
}

// tailPause is for how long after the last item the first beacon waits.
func (b *beacons) tailPause() time.Duration { return min(max(4*b.between, minTail), maxTail) }

// longest is the longest pause among so many.
func (b *beacons) longest() time.Duration {
	return min(max(longestPause, time.Duration(len(b.peers)+1)*time.Second/beaconsPerSecond), mostPause)
}

// shortOf is how an Echo names a peer.
func shortOf(p protocol.PeerID) uint64 {
	sum := sha256.Sum256([]byte(p))
	return binary.BigEndian.Uint64(sum[:])
}

// beacon sends one if it is due.
func (m *Machine) beacon(now protocol.Time, out *protocol.Outbox) {
	b := &m.beacons
	if b.due() > now {
		return
	}
	if b.next <= now {
		if b.last > 0 {
			b.pause = min(2*b.pause, b.longest())
		}
		b.pause = min(b.pause, b.longest())
		b.last = now
		b.next = now.Add(b.pause - time.Duration(m.rng.Int64N(int64(b.pause/2))))
	}
	if b.tail <= now {
		b.tails++
		b.tail = protocol.Never
		if b.tails < maxTails {
			b.tail = now.Add(b.tailPause() << b.tails)
		}
	}
	b.nonce++
	b.said[b.nonce%maxNonces] = now
	msg := &Beacon{Origin: m.cfg.Self, Epoch: m.epoch, Nonce: b.nonce, Pause: int(b.pause / time.Millisecond), Echoes: b.echoes(now, m.rng)}
	if m.sending.sent > 0 {
		msg.Low, msg.Last = m.own.low, m.sending.sent
	}
	if m.cfg.Sign != nil {
		msg.Sig = m.cfg.Sign(m.toSign(signBeacon, msg.appendSigned(nil)))
	}
	m.stats.Beacons++
	m.multicast(msg, out)
}

// echoes answers some, drawn at random but for those never answered, who come first;
// and drops who is gone. (By turns all would answer the same ones at once, and
// somebody nobody for long.)
func (b *beacons) echoes(now protocol.Time, rng *rand.Rand) (list []Echo) {
	b.expire(now)
	order := make([]*peer, len(b.peers))
	for i := range b.peers {
		order[i] = &b.peers[i]
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	slices.SortStableFunc(order, func(x, y *peer) int { return cmp.Compare(min(x.echoed, 1), min(y.echoed, 1)) })
	for _, p := range order[:min(len(order), MaxEchoes)] {
		p.echoed = now
		list = append(list, Echo{p.short, p.nonce})
	}
	return list
}

func (b *beacons) expire(now protocol.Time) {
	b.peers = slices.DeleteFunc(b.peers, func(p peer) bool { return p.until <= now })
}

// heardBeacon takes a beacon that its sender has signed.
func (m *Machine) heardBeacon(now protocol.Time, src *source, msg *Beacon, out *protocol.Outbox) {
	if msg.Origin == m.cfg.Self {
		return
	}
	b := &m.beacons
	i, known := slices.BinarySearchFunc(b.peers, msg.Origin, func(p peer, id protocol.PeerID) int { return comparePeers(p.id, id) })
	if known && b.peers[i].epoch == msg.Epoch && msg.Nonce <= b.peers[i].nonce {
		m.stats.Twice++ // replayed
		return
	}
	if !m.check(now, src, msg.Origin, signBeacon, msg.appendSigned(nil), msg.Sig) {
		return
	}
	if !known {
		if b.expire(now); len(b.peers) == MaxPeers {
			m.stats.Full++
			return
		}
		i, _ = slices.BinarySearchFunc(b.peers, msg.Origin, func(p peer, id protocol.PeerID) int { return comparePeers(p.id, id) })
		b.peers = slices.Insert(b.peers, i, peer{id: msg.Origin, short: shortOf(msg.Origin), lost: m.health.loss})
		m.newcomer(now)
	}
	p := &b.peers[i]
	if known && p.epoch == msg.Epoch {
		// Beacons are lost as items are: so that shows where nobody publishes too.
		for range min(msg.Nonce-p.nonce-1, beaconsMissed) {
			b.peers[i].lost += (1 - b.peers[i].lost) / beaconSamples
		}
		b.peers[i].lost -= b.peers[i].lost / beaconSamples
	}
	life := time.Duration(patience*msg.Pause)*time.Millisecond + slack
	p.epoch, p.nonce, p.until = msg.Epoch, msg.Nonce, now.Add(life)
	me := shortOf(m.cfg.Self)
	for _, e := range msg.Echoes {
		if e.Who == me && e.Nonce <= b.nonce && e.Nonce+maxNonces > b.nonce {
			// It heard this peer when that was said, not later; it answers some at a time.
			said := b.said[e.Nonce%maxNonces]
			p.hears = max(p.hears, said.Add(b.longest()+life*time.Duration(1+len(b.peers)/MaxEchoes)))
			m.health.lastEcho = max(m.health.lastEcho, said)
		}
	}
	m.health.heard(now)
	m.upTo(now, msg, out)
}

// newcomer has the next beacon sent soon, but not at the pace of one a second.
func (m *Machine) newcomer(now protocol.Time) {
	b := &m.beacons
	if b.next == protocol.Never {
		return // stopped
	}
	spread := answerWithin * time.Duration(len(b.peers)+2)
	at := max(now.Add(time.Duration(m.rng.Int64N(int64(spread)))), b.last.Add(leastPause))
	b.next = min(b.next, at)
}

// upTo takes in what a sender has sent so far: what is missing at the end shows.
func (m *Machine) upTo(now protocol.Time, msg *Beacon, out *protocol.Outbox) {
	if msg.Last == 0 {
		return
	}
	s := m.streams[streamKey{msg.Origin, msg.Epoch}]
	if s == nil {
		if msg.Last > fresh || msg.Low > 1 {
			// Who comes late begins here.
			s = m.follow(now, msg.Origin, msg.Epoch, msg.Last+1)
		} else {
			s = m.follow(now, msg.Origin, msg.Epoch, 1)
		}
	}
	s.heard = now
	s.sure = max(s.sure, msg.Last)
	if msg.Last > s.top {
		m.extend(now, s, msg.Last, out)
		h := s.hole(msg.Last)
		if h != nil {
			m.mayAsk(now, s, h.due)
		}
	}
	m.passed(now, s, msg.Last+1)
}
