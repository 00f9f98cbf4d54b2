package donet

import (
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Flags of messages.
const (
	flagFull   = 1
	flagOrphan = 1
	flagAnswer = 1
	flagAsk    = 1

	flagAttached = 1
	flagChild    = 2
	reachShift   = 2
	flagJoined   = 16
	stateFlags   = 32
)

func flagIf(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}

func appendTag(b []byte, t Tag) []byte {
	if t == 0 {
		return append(b, 0)
	}
	return binary.BigEndian.AppendUint64(append(b, 1), uint64(t))
}

// appendRuns writes runs, which ascend and do not touch.
func appendRuns(b []byte, runs []Run) []byte {
	b = binary.AppendUvarint(b, uint64(len(runs)))
	next := uint64(0)
	for _, r := range runs {
		b = binary.AppendUvarint(b, r.First-next)
		b = binary.AppendUvarint(b, uint64(r.Count-1))
		next = r.First + uint64(r.Count)
	}
	return b
}

func appendMicros(b []byte, d time.Duration) []byte {
	return binary.AppendUvarint(b, uint64(min(max(d, 0), maxLag)/time.Microsecond))
}

func appendStand(b []byte, s Stand) []byte {
	b = appendTag(b, s.Tag)
	b = append(b, flagIf(s.Attached, flagAttached)|flagIf(s.Child, flagChild)|byte(s.Reach)<<reachShift|flagIf(s.Joined, flagJoined))
	b = binary.AppendUvarint(b, s.Beat)
	b = appendMicros(appendMicros(appendMicros(b, s.Base), s.Lag), s.Cost)
	b = binary.AppendUvarint(b, uint64(s.Spare))
	b = s.At.AppendTo(b)
	b = append(b, byte(len(s.Path)))
	for _, k := range s.Path {
		b = binary.BigEndian.AppendUint32(b, k)
	}
	return b
}

// AppendTo implements protocol.Message, for each of them.
func (m Map) AppendTo(b []byte) []byte {
	b = appendTag(append(b, flagIf(m.Full, flagFull)), m.Tag)
	return appendRuns(binary.AppendUvarint(b, uint64(m.Size)), m.Runs)
}

func (m Ask) AppendTo(b []byte) []byte    { return appendRuns(appendTag(b, m.Tag), m.Runs) }
func (m Meet) AppendTo(b []byte) []byte   { return m.At.AppendTo(append(b, byte(m.Mode))) }
func (m Stand) AppendTo(b []byte) []byte  { return appendStand(b, m) }
func (m Refuse) AppendTo(b []byte) []byte { return appendStand(b, m.Stand) }
func (m Leave) AppendTo(b []byte) []byte  { return appendTag(b, m.Tag) }
func (m Late) AppendTo(b []byte) []byte   { return appendTag(b, m.Tag) }

func (m Yield) AppendTo(b []byte) []byte {
	return appendMicros(appendMicros(protocol.AppendPeer(appendTag(b, m.Tag), m.To), m.Base), m.Limit)
}

func (m Join) AppendTo(b []byte) []byte {
	b = append(appendTag(b, m.Tag), flagIf(m.Orphan, flagOrphan))
	b = appendMicros(appendMicros(b, m.Lag), m.RTT)
	b = binary.AppendUvarint(b, uint64(m.Weight))
	b = binary.AppendUvarint(b, uint64(m.Value))
	b = appendMicros(b, m.Turn)
	return m.At.AppendTo(binary.AppendUvarint(b, uint64(m.Spare)))
}

func (m Report) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(appendTag(b, m.Tag), uint64(m.Weight))
	return appendMicros(binary.AppendUvarint(b, uint64(m.Value)), m.Other)
}

func (s Slots) AppendTo(b []byte) []byte {
	b = appendTag(append(b, flagIf(s.Ask, flagAsk)), s.Tag)
	return append(binary.AppendUvarint(b, s.First), s.Bits[:]...)
}

func (m Members) AppendTo(b []byte) []byte {
	b = appendTag(append(b, flagIf(m.Answer, flagAnswer)), m.Tag)
	b = binary.AppendUvarint(b, uint64(len(m.List)))
	for _, x := range m.List {
		b = x.At.AppendTo(protocol.AppendPeer(b, x.Peer))
		b = appendMicros(appendMicros(b, x.Lag), x.Base)
		b = append(b, byte(min(x.Spare, maxSpare)), byte(x.Reach))
		b = binary.AppendUvarint(b, uint64(min(max(x.Age, 0), maxLag)/time.Second))
		b = protocol.AppendBytes(b, []byte(x.Addr))
	}
	return b
}
