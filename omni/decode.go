package omni

import (
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Decode reads the body of one message; it is a protocol.Decoder, but for Carry. Every
// encoding is canonical: what decodes re-encodes to the same bytes.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case KindBeat:
		m = Beat{readState(r)}
	case KindSame:
		check := r.Fixed(2)
		m = Same{Number: uint32(r.Uvarint(1<<32 - 1))}
		if r.Err() == nil {
			m = Same{m.(Same).Number, binary.BigEndian.Uint16(check)}
		}
	case KindAgain:
		m = Again{}
	case KindOffer:
		m = Offer{readState(r)}
	case KindJoin:
		m = readJoin(r)
	case KindAccept:
		m = Accept{readState(r)}
	case KindRefuse:
		m = Refuse{readReason(r), readState(r)}
	case KindLeave:
		m = Leave{readReason(r)}
	case KindReport:
		m = Report{Weight: readWeight(r), Value: readWeight(r), Other: readMicros(r), At: vivaldi.Read(r)}
	case KindSamples:
		m = readExchange(r)
	case KindCall:
		m = Call{r.Peer(), readSample(r)}
	case KindWatch:
		w := Watch{Mode: WatchMode(readBelow(r, byte(numModes)))}
		if w.Mode == WatchAWhile {
			w.Last = readShort(r)
		}
		m = w
	case KindDigest:
		m = readDigest(r)
	case KindPull:
		m = readPull(r)
	case KindRenew:
		m = Renew{r.Uvarint(1<<64 - 1)}
	case KindYield:
		m = Yield{readSamples(r)}
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

func readReason(r *protocol.Reader) Reason { return Reason(readBelow(r, byte(numReasons))) }

func readMicros(r *protocol.Reader) time.Duration {
	return time.Duration(r.Uvarint(uint64(maxLatency/time.Microsecond))) * time.Microsecond
}

func readWeight(r *protocol.Reader) int {
	w := int(r.Uvarint(MaxWeight))
	if w == 0 {
		r.Fail()
	}
	return w
}

func readState(r *protocol.Reader) (s State) {
	flags := readBelow(r, 1<<(reachShift+2))
	s.Attached, s.Publishes = flags&flagAttached != 0, flags&flagPublishes != 0
	s.Reach = Reach(flags >> reachShift)
	s.Root = r.Peer()
	s.Epoch = r.Uvarint(1<<64 - 1)
	s.Latency, s.Wait, s.Relief, s.Offer, s.Prime = readMicros(r), readMicros(r), readMicros(r), readMicros(r), readMicros(r)
	s.Spare = int(r.Uvarint(MaxChildren))
	s.Price = readMicros(r)
	if n := r.Count(MaxPath, 8); n > 0 {
		s.Path = make([]uint64, n)
		for i := range s.Path {
			s.Path[i] = r.Uint64()
		}
	}
	s.At = vivaldi.Read(r)
	if s.Attached && s.Root == "" {
		r.Fail()
	}
	return s
}

func readJoin(r *protocol.Reader) (m Join) {
	m.Orphan = readBelow(r, 2) == flagOrphan
	m.Epoch = r.Uvarint(1<<64 - 1)
	m.Feasible, m.Latency = readMicros(r), readMicros(r)
	m.Weight, m.Value = readWeight(r), readWeight(r)
	m.RTT, m.At = readMicros(r), vivaldi.Read(r)
	m.Old, m.OldOffer, m.OldAt = r.Peer(), readMicros(r), vivaldi.Read(r)
	return m
}

// sampleSize is the least that an encoded Sample takes.
const sampleSize = 2 + 9 + 4 + 1 + 1 + 1 + 1

func readSamples(r *protocol.Reader) []Sample {
	n := r.Count(MaxBatch, sampleSize)
	if n == 0 {
		return nil
	}
	list := make([]Sample, n)
	for i := range list {
		list[i] = readSample(r)
	}
	return list
}

func readSample(r *protocol.Reader) (s Sample) {
	s.Peer, s.At, s.Latency, s.Offer, s.Prime = r.Peer(), vivaldi.Read(r), readMicros(r), readMicros(r), readMicros(r)
	bits := readBelow(r, byte(numReaches)<<5)
	if s.Spare, s.Reach = int(bits&maxSpare), Reach(bits>>5); s.Spare == 0 {
		s.Price = readMicros(r)
	}
	s.Weight, s.Way = readWeight(r), readMicros(r)
	s.Age = time.Duration(r.Uvarint(uint64(sampleLife/ageUnit))) * ageUnit
	s.Addr = string(r.Bytes(MaxAddr))
	if s.Reach.behind() {
		s.Door, s.DoorAddr = r.Peer(), string(r.Bytes(MaxAddr))
	}
	if s.Peer == "" {
		r.Fail()
	}
	return s
}

func readExchange(r *protocol.Reader) Samples {
	m := Samples{Answer: readBelow(r, 2) == flagAnswer, Root: r.Uint64(), Epoch: r.Uvarint(1<<64 - 1), List: readSamples(r)}
	if !m.Answer {
		m.Salt, m.Known = r.Byte(), r.Bytes(maxSieve)
	}
	return m
}

// readShort reads the beginning of an item's ID.
func readShort(r *protocol.Reader) (id Short) {
	for _, x := range r.Fixed(shortSize) {
		id = id<<8 | Short(x)
	}
	return id
}

func readDigest(r *protocol.Reader) Digest {
	head := readBelow(r, 2*MaxIDs)
	m := Digest{Late: head&flagLate != 0}
	for range int(head%flagLate) + 1 {
		m.Items = append(m.Items, Announcement{readShort(r), int(r.Uvarint((protocol.MaxItemSize+sizeUnit-1)/sizeUnit)) * sizeUnit})
	}
	return m
}

func readPull(r *protocol.Reader) Pull {
	n := r.Count(MaxIDs, shortSize)
	if n == 0 {
		r.Fail()
		return Pull{}
	}
	m := Pull{Items: make([]Short, n)}
	for i := range m.Items {
		m.Items[i] = readShort(r)
	}
	return m
}
