package euid

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// Record is what one peer has said of its interfaces.
type Record struct {
	Peer protocol.PeerID
	// Seq orders the records of one peer.
	Seq uint64
	// EUIDs are those of its interfaces, in its own order.
	EUIDs []EUID
}

// compareRecords orders records of one peer: by sequence number, and two that a peer
// has given one number, which no honest one does, by their encoding, so that all who
// see both keep the same.
func compareRecords(a, b Record) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.encode(), b.encode()))
}

func (r *Record) encode() (b []byte) {
	for _, e := range r.EUIDs {
		b = protocol.AppendBytes(b, e.Append(nil))
	}
	return b
}

// Set is the newest record of each of some peers. Whoever has learnt the same
// records, in whatever order and however often, has the same set. The zero Set is
// empty; a copy of a Set shares with it. How many peers it has, its owner bounds.
type Set struct {
	list []Record // by peer
}

// find is the place of a peer.
func (s Set) find(p protocol.PeerID) (int, bool) {
	return slices.BinarySearchFunc(s.list, p, func(r Record, p protocol.PeerID) int { return cmp.Compare(r.Peer, p) })
}

// Len is the number of peers.
func (s Set) Len() int { return len(s.list) }

// All returns the records in order of their peers. Do not change them.
func (s Set) All() []Record { return s.list }

// Get returns a peer's record.
func (s Set) Get(p protocol.PeerID) (Record, bool) {
	if i, ok := s.find(p); ok {
		return s.list[i], true
	}
	return Record{}, false
}

// Learn takes in a record and reports whether it was news. It shares r.EUIDs.
func (s *Set) Learn(r Record) bool {
	i, known := s.find(r.Peer)
	switch {
	case !known:
		s.list = slices.Insert(s.list, i, r)
	case compareRecords(r, s.list[i]) > 0:
		s.list[i] = r
	default:
		return false
	}
	return true
}

// Forget takes a peer out and reports whether it was there.
func (s *Set) Forget(p protocol.PeerID) bool {
	i, known := s.find(p)
	if known {
		s.list = slices.Delete(s.list, i, i+1)
	}
	return known
}

// Merge is the set of whoever has learnt all of a and all of b. It changes neither.
// It is commutative, associative and idempotent.
func Merge(a, b Set) Set {
	list := make([]Record, 0, max(len(a.list), len(b.list)))
	i, j := 0, 0
	for i < len(a.list) && j < len(b.list) {
		x, y := a.list[i], b.list[j]
		c := cmp.Compare(x.Peer, y.Peer)
		if c == 0 && compareRecords(x, y) < 0 || c > 0 {
			x = y
		}
		list = append(list, x)
		if c <= 0 {
			i++
		}
		if c >= 0 {
			j++
		}
	}
	list = append(list, a.list[i:]...)
	return Set{append(list, b.list[j:]...)}
}
