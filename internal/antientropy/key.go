package antientropy

import (
	"bytes"
	"cmp"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Key is an item's place in the order of an open topic: by minute of publishing,
// then by ID. Items that peers do not share are mostly recent ones, so they lie
// together, and few ranges differ.
type Key struct {
	// Bucket is the minute since 1970 in which the item was published, as its
	// author says; 0 where the sequence number is no plausible time.
	Bucket uint64
	ID     protocol.ItemID
}

// MaxBucket is the greatest bucket: the last minute before the year 2100.
const MaxBucket = uint64(lastTime/time.Minute) - 1

// Sequence numbers between these are taken for Unix times in nanoseconds.
const (
	firstTime = 1577836800 * time.Second // 2020-01-01T00:00:00Z
	lastTime  = 4102444800 * time.Second // 2100-01-01T00:00:00Z
)

// BucketOf returns the bucket of an item of an open topic by its sequence number.
func BucketOf(seq uint64) uint64 {
	if seq < uint64(firstTime) || seq >= uint64(lastTime) {
		return 0
	}
	return seq / uint64(time.Minute)
}

// KeyOf returns an item's key.
func KeyOf(it *protocol.Item) Key { return Key{Bucket: BucketOf(it.Seq), ID: it.ID} }

// Compare orders keys by bucket, then ID.
func (k Key) Compare(l Key) int {
	if c := cmp.Compare(k.Bucket, l.Bucket); c != 0 {
		return c
	}
	return bytes.Compare(k.ID[:], l.ID[:])
}

// end is greater than every key.
var end = Key{Bucket: MaxBucket + 1}
