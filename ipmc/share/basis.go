package share

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Basis names what a host decides by: the beginning of a hash of all that it has heard
// and what it wants itself. Hosts of one basis come to one decision; where they differ
// somebody has missed a roster. So pauses grow only as long as everybody heard goes by
// the same, and are short again when not (as in Trickle, RFC 6206, section 4.2).
type Basis [8]byte

// basis is what this host goes by.
func (m *Machine) basis() (basis Basis) {
	var b []byte
	for _, member := range m.members() {
		b = binary.AppendUvarint(b, uint64(min(member.Bound, maxBound)))
		b = binary.AppendUvarint(b, uint64(len(member.Groups)))
		for _, g := range member.Groups {
			b = binary.BigEndian.AppendUint16(append(b, g.Addr().AsSlice()...), g.Port())
		}
	}
	sum := sha256.Sum256(b)
	copy(basis[:], sum[:])
	return basis
}

// differ has this host say soon once more what it wants, for somebody goes by something
// else; where nobody needs rosters any more, only the one because of whom they were
// needed. Who lies about his basis has all together say perSecond rosters, or each one
// every firstPause.
func (m *Machine) differ(now protocol.Time) {
	if !m.scarce() && m.owed == 0 {
		if !m.yielded {
			return
		}
		m.owed = 1
	}
	least := max(firstPause, m.paced())
	m.pause = least
	m.next = min(m.next, max(now.Add(m.spread()), m.said.Add(least)))
}

// paced is the pause that leaves perSecond rosters to all hosts together.
func (m *Machine) paced() time.Duration {
	return time.Duration(len(m.hosts)+1) * time.Second / perSecond
}

// longest is the longest pause.
func (m *Machine) longest() time.Duration { return max(lastPause, m.paced()) }

// spread draws a moment within which all have said something.
func (m *Machine) spread() time.Duration {
	return time.Duration(m.rng.Int64N(int64(len(m.hosts)+2) * int64(50*time.Millisecond)))
}
