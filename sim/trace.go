package sim

import (
	"encoding/binary"
	"fmt"
	"hash"
)

// trace sums up what happened: every event with its time and host, and every frame
// as it was encoded when it was sent, lost ones too. It gathers before it hashes,
// for a hash of many small pieces costs more than the copy.
type trace struct {
	sum  hash.Hash
	wait []byte
}

// traceGather is how many bytes are hashed at once.
const traceGather = 64 << 10

func (t *trace) event(e *event) {
	b := binary.BigEndian.AppendUint64(t.wait, uint64(e.at))
	b = binary.BigEndian.AppendUint32(b, uint32(e.host))
	b = append(b, byte(e.kind))
	switch e.kind {
	case evMessage, evHeard:
		b = binary.BigEndian.AppendUint32(b, uint32(e.from))
		b = binary.BigEndian.AppendUint32(b, uint32(e.bytes))
	case evInput:
		b = fmt.Appendf(b, "%T", e.input)
	}
	t.wait = b
	t.full()
}

// full hashes what was gathered if it is enough; a part of a trace waits for the rest.
func (t *trace) full() {
	if t.sum != nil && len(t.wait) >= traceGather {
		t.flush()
	}
}

// add adds a part that was gathered elsewhere.
func (t *trace) add(part []byte) {
	t.wait = append(t.wait, part...)
	t.full()
}

// everyone is whom a multicast frame is sent to.
const everyone = -1

// frame adds a frame that one host sends to another, or to everyone.
func (t *trace) frame(from, to int32, frame []byte) {
	b := binary.BigEndian.AppendUint32(t.wait, uint32(from))
	b = binary.BigEndian.AppendUint32(b, uint32(to))
	t.wait = append(b, frame...)
}

func (t *trace) flush() {
	t.sum.Write(t.wait)
	t.wait = t.wait[:0]
}

func (t *trace) String() string {
	t.flush()
	return fmt.Sprintf("%x", t.sum.Sum(nil))
}
