package antientropy

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// The kinds of message; protocol.KindCarry brings the items.
const (
	KindDigest    uint8 = 1
	KindPull      uint8 = 2
	KindWant      uint8 = 3
	KindAnswer    uint8 = 4
	KindReconcile uint8 = 5
)

// Bounds of messages.
const (
	// MaxDigestRuns bounds the runs of a digest.
	MaxDigestRuns = 9
	// MaxPullRanges bounds the ranges of a pull.
	MaxPullRanges = 16
	// MaxPullBytes bounds what one pull may bring, not counting the items with
	// which it is passed.
	MaxPullBytes = 256 << 10
	// MaxWantKeys bounds the keys of a want.
	MaxWantKeys = 256
	// MaxAnswerRanges bounds the ranges of an answer: every second of a want.
	MaxAnswerRanges = MaxWantKeys / 2
	// MaxReconcile bounds an encoded Reconcile in bytes, MaxKeyRanges its ranges.
	MaxReconcile = 16 << 10
	MaxKeyRanges = 1024
	// MaxRounds bounds the messages of one reconciliation.
	MaxRounds = 128
)

// Digest is what a peer holds of an owned feed.
//
//	floor:uvarint from-floor:uvarint top:uvarint runs:ranges [head:32 unless there are no runs]
type Digest struct {
	// Floor is the lowest sequence number that the sender wants.
	Floor uint64
	// From is where the list of runs begins: a feed with many gaps is told of in
	// parts. Not below Floor.
	From uint64
	// Top is the highest entry that the sender holds, 0 for none.
	Top uint64
	// Runs are the lowest runs that it holds of those that end at or after From.
	// There are more than those listed only where Top is beyond the last.
	Runs []Range
	// Head is the ID of the last entry of the first run listed, zero where the
	// sender does not know it.
	Head protocol.ItemID
}

// Pull asks for entries of an owned feed. For each range at most
// MaxBytes/len(Ranges), but at least one entry, will be sent.
//
//	token:uvarint maxbytes:uvarint ranges
type Pull struct {
	Token    uint32
	MaxBytes int
	Ranges   []Range
}

// Want asks for items by their keys: of an open topic, or (with bucket 0) the
// entry that proves a fork.
//
//	token:uvarint keys
type Want struct {
	Token uint32
	Keys  []Key
}

// Answer says, ahead of the items, what a Pull or Want will bring. It is a
// message of its own, because the items come from a stream the driver feeds
// from disk: it does not matter which of the two overtakes the other.
//
//	token:uvarint busy:1 ranges
type Answer struct {
	Token uint32
	// Busy is set where nothing is sent now, but a later request may succeed.
	Busy bool
	// Ranges are, for a Pull, sequence numbers: what is held lies within them,
	// though there may be holes. For a Want they are exact, and positions in its
	// list, counted from 1.
	Ranges []Range
}

// Kind implements protocol.Message.
func (Digest) Kind() uint8 { return KindDigest }

// Kind implements protocol.Message.
func (Pull) Kind() uint8 { return KindPull }

// Kind implements protocol.Message.
func (Want) Kind() uint8 { return KindWant }

// Kind implements protocol.Message.
func (Answer) Kind() uint8 { return KindAnswer }

// AppendTo implements protocol.Message.
func (d Digest) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, d.Floor)
	b = binary.AppendUvarint(b, d.From-d.Floor)
	b = binary.AppendUvarint(b, d.Top)
	b = appendRanges(b, d.Runs)
	if len(d.Runs) > 0 {
		b = append(b, d.Head[:]...)
	}
	return b
}

// AppendTo implements protocol.Message.
func (p Pull) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(p.Token))
	b = binary.AppendUvarint(b, uint64(p.MaxBytes))
	return appendRanges(b, p.Ranges)
}

// AppendTo implements protocol.Message.
func (w Want) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(w.Token))
	b = binary.AppendUvarint(b, uint64(len(w.Keys)))
	return appendKeys(b, Key{}, w.Keys)
}

// AppendTo implements protocol.Message.
func (a Answer) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(a.Token))
	if a.Busy {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return appendRanges(b, a.Ranges)
}

// appendRanges appends a range set: its length, then for each range the distance
// from the one before (less the least it can be) and its length less one.
func appendRanges(b []byte, rs []Range) []byte {
	b = binary.AppendUvarint(b, uint64(len(rs)))
	least := uint64(1)
	for _, r := range rs {
		b = binary.AppendUvarint(b, r.First-least)
		b = binary.AppendUvarint(b, r.Last-r.First)
		least = r.Last + 2
	}
	return b
}

// appendKeys appends ascending keys, each bucket as the distance from the one
// before, the first from lower's.
func appendKeys(b []byte, lower Key, keys []Key) []byte {
	for _, k := range keys {
		b = binary.AppendUvarint(b, k.Bucket-lower.Bucket)
		b = append(b, k.ID[:]...)
		lower = k
	}
	return b
}
