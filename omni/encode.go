package omni

import (
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	flagAttached  = 1
	flagPublishes = 2
	reachShift    = 2
	flagOrphan    = 1
	flagLate      = MaxIDs
	flagAnswer    = 1
	// ageUnit is the unit of a sample's age.
	ageUnit = time.Second / 4
)

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// appendMicros appends a duration in µs, cut to what travels.
func appendMicros(b []byte, d time.Duration) []byte {
	return binary.AppendUvarint(b, uint64(min(max(d, 0), maxLatency)/time.Microsecond))
}

// micros is a duration as it travels.
func micros(d time.Duration) time.Duration {
	return min(max(d, 0), maxLatency).Truncate(time.Microsecond)
}

func appendShort(b []byte, id Short) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, uint16(id>>32)), uint32(id))
}

func (s *State) appendTo(b []byte) []byte {
	b = append(b, flag(s.Attached, flagAttached)|flag(s.Publishes, flagPublishes)|byte(s.Reach)<<reachShift)
	b = protocol.AppendPeer(b, s.Root)
	b = binary.AppendUvarint(b, s.Epoch)
	b = appendMicros(b, s.Latency)
	b = appendMicros(b, s.Wait)
	b = appendMicros(b, s.Relief)
	b = appendMicros(b, s.Offer)
	b = appendMicros(b, s.Prime)
	b = binary.AppendUvarint(b, uint64(s.Spare))
	b = appendMicros(b, s.Price)
	b = binary.AppendUvarint(b, uint64(len(s.Path)))
	for _, k := range s.Path {
		b = binary.BigEndian.AppendUint64(b, k)
	}
	return s.At.AppendTo(b)
}

// AppendTo implements protocol.Message, for each of them.
func (m Beat) AppendTo(b []byte) []byte   { return m.appendTo(b) }
func (m Offer) AppendTo(b []byte) []byte  { return m.appendTo(b) }
func (m Accept) AppendTo(b []byte) []byte { return m.appendTo(b) }
func (m Refuse) AppendTo(b []byte) []byte { return m.appendTo(append(b, byte(m.Reason))) }
func (m Leave) AppendTo(b []byte) []byte  { return append(b, byte(m.Reason)) }
func (Again) AppendTo(b []byte) []byte    { return b }
func (m Same) AppendTo(b []byte) []byte {
	return binary.AppendUvarint(binary.BigEndian.AppendUint16(b, m.Check), uint64(m.Number))
}
func (m Watch) AppendTo(b []byte) []byte {
	if b = append(b, byte(m.Mode)); m.Mode == WatchAWhile {
		b = appendShort(b, m.Last)
	}
	return b
}
func (m Renew) AppendTo(b []byte) []byte { return binary.AppendUvarint(b, m.Epoch) }

// AppendTo implements protocol.Message.
func (m Join) AppendTo(b []byte) []byte {
	b = append(b, flag(m.Orphan, flagOrphan))
	b = binary.AppendUvarint(b, m.Epoch)
	b = appendMicros(b, m.Feasible)
	b = appendMicros(b, m.Latency)
	b = binary.AppendUvarint(b, uint64(m.Weight))
	b = binary.AppendUvarint(b, uint64(m.Value))
	b = appendMicros(b, m.RTT)
	b = m.At.AppendTo(b)
	b = protocol.AppendPeer(b, m.Old)
	b = appendMicros(b, m.OldOffer)
	return m.OldAt.AppendTo(b)
}

// AppendTo implements protocol.Message.
func (m Report) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Weight))
	b = binary.AppendUvarint(b, uint64(m.Value))
	b = appendMicros(b, m.Other)
	return m.At.AppendTo(b)
}

// AppendTo implements protocol.Message.
func (m Samples) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, flag(m.Answer, flagAnswer)), m.Root)
	b = appendSamples(binary.AppendUvarint(b, m.Epoch), m.List)
	if m.Answer {
		return b
	}
	return protocol.AppendBytes(append(b, m.Salt), m.Known)
}

// AppendTo implements protocol.Message.
func (m Call) AppendTo(b []byte) []byte { return m.Who.appendTo(protocol.AppendPeer(b, m.To)) }

// AppendTo implements protocol.Message.
func (m Yield) AppendTo(b []byte) []byte { return appendSamples(b, m.Near) }

func appendSamples(b []byte, list []Sample) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for i := range list {
		b = list[i].appendTo(b)
	}
	return b
}

func (s *Sample) appendTo(b []byte) []byte {
	b = protocol.AppendPeer(b, s.Peer)
	b = s.At.AppendTo(b)
	b = appendMicros(b, s.Latency)
	b = appendMicros(b, s.Offer)
	b = appendMicros(b, s.Prime)
	spare := byte(min(s.Spare, maxSpare))
	b = append(b, spare|byte(s.Reach)<<5)
	if spare == 0 {
		b = appendMicros(b, s.Price)
	}
	b = binary.AppendUvarint(b, uint64(s.Weight))
	b = appendMicros(b, s.Way)
	b = binary.AppendUvarint(b, uint64((min(s.Age, sampleLife)+ageUnit-1)/ageUnit))
	b = protocol.AppendBytes(b, []byte(s.Addr))
	if s.Reach.behind() {
		b = protocol.AppendPeer(b, s.Door)
		b = protocol.AppendBytes(b, []byte(s.DoorAddr))
	}
	return b
}

// AppendTo implements protocol.Message.
func (m Digest) AppendTo(b []byte) []byte {
	b = append(b, byte(len(m.Items)-1)|flag(m.Late, flagLate))
	for _, a := range m.Items {
		b = appendShort(b, a.ID)
		b = binary.AppendUvarint(b, uint64((a.Size+sizeUnit-1)/sizeUnit))
	}
	return b
}

// AppendTo implements protocol.Message.
func (m Pull) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.Items)))
	for _, id := range m.Items {
		b = appendShort(b, id)
	}
	return b
}
