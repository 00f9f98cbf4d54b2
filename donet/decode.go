package donet

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Decode reads the body of one message; it is a protocol.Decoder, but for Carry. Every
// encoding is canonical: what decodes encodes to the same bytes again.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case KindMap:
		m = Map{readBelow(r, 2) == flagFull, readTag(r), readInt(r, protocol.MaxItemSize), readRuns(r, MaxSpan)}
	case KindAsk:
		m = Ask{readTag(r), readRuns(r, MaxAsk)}
	case KindMeet:
		m = Meet{MeetMode(readBelow(r, byte(numModes))), vivaldi.Read(r)}
	case KindStand:
		m = readStand(r)
	case KindJoin:
		m = readJoin(r)
	case KindRefuse:
		m = Refuse{readStand(r)}
	case KindLeave:
		m = Leave{readTag(r)}
	case KindReport:
		m = Report{readTag(r), readInt(r, MaxWeight), readInt(r, MaxWeight), readMicros(r)}
	case KindLate:
		m = Late{readTag(r)}
	case KindMembers:
		m = readMembers(r)
	case KindYield:
		m = Yield{readTag(r), r.Peer(), readMicros(r), readMicros(r)}
	case KindSlots:
		s := Slots{Ask: readBelow(r, 2) == flagAsk, Tag: readTag(r), First: r.Uvarint(math.MaxUint64 - paperSlots)}
		copy(s.Bits[:], r.Fixed(paperBytes))
		m = s
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// readBelow reads a byte below a limit.
func readBelow(r *protocol.Reader, limit byte) byte {
	b := r.Byte()
	if b >= limit {
		r.Fail()
	}
	return b
}

func readInt(r *protocol.Reader, limit int) int { return int(r.Uvarint(uint64(limit))) }

func readTag(r *protocol.Reader) Tag {
	if readBelow(r, 2) == 0 {
		return 0
	}
	t := r.Uint64()
	if t == 0 {
		r.Fail()
	}
	return Tag(t)
}

// readRuns reads 1 to MaxRuns runs of at most span numbers together.
func readRuns(r *protocol.Reader, span int) []Run {
	n := r.Count(MaxRuns, 2)
	runs := make([]Run, 0, n)
	next, total := uint64(0), 0
	for i := range n {
		gap := r.Uvarint(math.MaxUint64)
		count := readInt(r, span-1) + 1
		first := next + gap
		total += count
		if i > 0 && gap == 0 || first < next || first > math.MaxUint64-uint64(count) || total > span {
			r.Fail()
			return nil
		}
		runs = append(runs, Run{first, count})
		next = first + uint64(count)
	}
	if n == 0 {
		r.Fail()
	}
	return runs
}

func readMicros(r *protocol.Reader) time.Duration {
	return time.Duration(r.Uvarint(uint64(maxLag/time.Microsecond))) * time.Microsecond
}

func readReach(r *protocol.Reader, v byte) Reach {
	if v >= byte(numReaches) {
		r.Fail()
	}
	return Reach(v)
}

func readStand(r *protocol.Reader) Stand {
	s := Stand{Tag: readTag(r)}
	flags := readBelow(r, stateFlags)
	s.Attached, s.Child, s.Joined = flags&flagAttached != 0, flags&flagChild != 0, flags&flagJoined != 0
	s.Reach = readReach(r, flags>>reachShift&3)
	s.Beat = r.Uvarint(math.MaxUint64)
	s.Base, s.Lag, s.Cost = readMicros(r), readMicros(r), readMicros(r)
	s.Spare = readInt(r, MaxChildren)
	s.At = vivaldi.Read(r)
	for range r.Count(MaxPath, 4) {
		k := uint32(0)
		for _, b := range r.Fixed(4) {
			k = k<<8 | uint32(b)
		}
		s.Path = append(s.Path, k)
	}
	return s
}

func readJoin(r *protocol.Reader) Join {
	return Join{
		Tag: readTag(r), Orphan: readBelow(r, 2) == flagOrphan, Lag: readMicros(r), RTT: readMicros(r),
		Weight: readInt(r, MaxWeight), Value: readInt(r, MaxWeight), Turn: readMicros(r),
		Spare: readInt(r, MaxChildren), At: vivaldi.Read(r),
	}
}

func readMembers(r *protocol.Reader) Members {
	m := Members{Answer: readBelow(r, 2) == flagAnswer, Tag: readTag(r)}
	for range r.Count(MaxBatch, 16) {
		x := Member{Peer: r.Peer(), At: vivaldi.Read(r), Lag: readMicros(r), Base: readMicros(r),
			Spare: int(readBelow(r, maxSpare+1))}
		x.Reach = readReach(r, r.Byte())
		x.Age = time.Duration(r.Uvarint(uint64(maxLag/time.Second))) * time.Second
		x.Addr = string(r.Bytes(MaxAddr))
		m.List = append(m.List, x)
	}
	return m
}
