package ipmc

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// stream is what one sender sends: positions counted from 1. Those of [low, top] are
// remembered.
type stream struct {
	id     uint64
	origin protocol.PeerID
	epoch  uint64
	own    bool

	low, top uint64
	// sure is the highest position of which a signature has proved that it was sent.
	// Nothing is believed without one more than MaxJump beyond it: so one in MaxJump
	// is checked at least.
	sure   uint64
	ring   []slot   // by position modulo its length, a power of two
	holes  []uint64 // positions that are waited for, ascending
	nackAt protocol.Time

	since, heard protocol.Time
	meter        meter
	strict       protocol.Time // until when packets must prove themselves
}

// slot is one position.
type slot struct {
	hole *hole           // nil once it is settled
	id   protocol.ItemID // zero where the position was given up
	head Hash            // of the first fragment, zero where the item came otherwise
	// proved: the signature of that was checked, or the item's own was and nothing
	// contradicts.
	proved bool
	held   *parcel       // for repair; nil once others needed the room
	fixed  protocol.Time // when it was last repaired, by anybody
	lacked protocol.Time // when somebody last asked for it in vain
	asks   int           // how often somebody has; of this peer's own, how often it was repaired
}

// hole is a position that is waited for.
type hole struct {
	seq      uint64
	since    protocol.Time // when it was noticed
	due      protocol.Time // from when on it is late
	asked    protocol.Time // when somebody last asked for it; 0 for never
	tries    int           // how often this peer has
	byOthers bool          // others asked first
	share    float64       // of its packets that were missing when somebody first asked
	banned   []Hash        // false first fragments

	a      *assembly
	proved bool
	src    *source        // that the first came from
	item   *protocol.Item // once complete
	handed bool           // up, and not yet judged
	again  protocol.Time  // when to hand it up again; 0 for not at all
}

// StreamID names a stream in short.
func StreamID(origin protocol.PeerID, epoch uint64) uint64 {
	b := binary.BigEndian.AppendUint64(protocol.AppendPeer([]byte("quilt-ipmc-stream:"), origin), epoch)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

func newStream(now protocol.Time, origin protocol.PeerID, epoch uint64, first uint64) *stream {
	return &stream{id: StreamID(origin, epoch), origin: origin, epoch: epoch, low: first, top: first - 1, sure: first - 1,
		ring: make([]slot, 8), nackAt: protocol.Never, since: now, heard: now}
}

// at returns the slot of a position that is remembered, else nil.
func (s *stream) at(seq uint64) *slot {
	if seq < s.low || seq > s.top {
		return nil
	}
	return &s.ring[seq&uint64(len(s.ring)-1)]
}

// hole returns the hole at a position, nil for none.
func (s *stream) hole(seq uint64) *hole {
	if sl := s.at(seq); sl != nil {
		return sl.hole
	}
	return nil
}

// push adds the next position, and forgets the oldest where there are MaxWindow; it
// returns what was forgotten.
func (s *stream) push() (sl *slot, lost slot) {
	if n := s.top - s.low + 1; n == uint64(len(s.ring)) {
		if n < MaxWindow {
			s.grow()
		} else {
			lost = s.ring[s.low&uint64(len(s.ring)-1)]
			if lost.hole != nil {
				s.closed(s.low)
			}
			s.low++
		}
	}
	s.top++
	sl = &s.ring[s.top&uint64(len(s.ring)-1)]
	*sl = slot{}
	return sl, lost
}

func (s *stream) grow() {
	old := s.ring
	s.ring = make([]slot, 2*len(old))
	for seq := s.low; seq <= s.top; seq++ {
		s.ring[seq&uint64(len(s.ring)-1)] = old[seq&uint64(len(old)-1)]
	}
}

// closed takes a position out of those that are waited for.
func (s *stream) closed(seq uint64) {
	if i, ok := slices.BinarySearch(s.holes, seq); ok {
		s.holes = slices.Delete(s.holes, i, i+1)
	}
}

// opened adds one.
func (s *stream) opened(seq uint64) {
	if i, ok := slices.BinarySearch(s.holes, seq); !ok {
		s.holes = slices.Insert(s.holes, i, seq)
	}
}
