package ways

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const version = 1

// MaxSize is the most bytes that a Memory takes.
const MaxSize = 2 + MaxNetworks*(len(ID{})+binary.MaxVarintLen64+1+numWays*(1+2*binary.MaxVarintLen64+1))

// Append appends the bytes to keep.
func (m *Memory) Append(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(m.networks)))
	for i := range m.networks {
		n := &m.networks[i]
		b = append(b, n.id[:]...)
		b = binary.AppendUvarint(b, uint64(n.used))
		known := 0
		for _, note := range n.notes {
			if note != noNote {
				known++
			}
		}
		b = binary.AppendUvarint(b, uint64(known))
		for w, note := range n.notes {
			if note == noNote {
				continue
			}
			b = append(b, byte(w))
			b = binary.AppendUvarint(b, uint64(note.worked))
			b = binary.AppendUvarint(b, uint64(note.beaten))
			b = append(b, note.times)
		}
	}
	return b
}

var noNote note

// Parse reads what Append wrote, and forgets what is too old. It takes one form of
// each Memory only.
func Parse(now time.Time, b []byte) (Memory, error) {
	r := protocol.NewReader(b)
	if r.Byte() != version {
		r.Fail()
	}
	var all Memory
	for range r.Count(MaxNetworks, len(ID{})+2) {
		var n network
		copy(n.id[:], r.Fixed(len(n.id)))
		n.used = int64(r.Uvarint(math.MaxInt64))
		if all.find(n.id) != nil {
			r.Fail()
		}
		last := -1
		for range r.Count(numWays, 4) {
			w := int(r.Byte())
			if w <= last || w >= numWays {
				r.Fail()
				break
			}
			last = w
			n.notes[w] = readNote(r)
		}
		all.networks = append(all.networks, n)
	}
	if err := r.Done(); err != nil {
		return Memory{}, err
	}
	var m Memory
	for _, n := range all.networks {
		if !n.expired(now) {
			m.networks = append(m.networks, n)
		}
	}
	return m, nil
}

// readNote reads what Won may have made.
func readNote(r *protocol.Reader) note {
	n := note{
		worked: int64(r.Uvarint(math.MaxInt64)),
		beaten: int64(r.Uvarint(math.MaxInt64)),
		times:  r.Byte(),
	}
	// Either it came up last, or it was beaten last.
	if (n.worked > 0) == (n.beaten > 0) || (n.beaten > 0) != (n.times > 0) || n.times > maxTimes {
		r.Fail()
	}
	return n
}
