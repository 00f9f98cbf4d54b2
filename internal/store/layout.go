package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// format is the version of the layout that doc.go shows.
const format = 1

// ItemOverhead is what an item is charged beyond its own bytes, for its indexes and
// for what pages leave empty. Our measurement: 280 to 530 bytes for items of up to
// 500 bytes; items of about 1 KiB that come one at a time leave half of each page
// empty, so that the file takes up to twice what is charged. It belongs to the
// format, because the sums of charges are stored.
const ItemOverhead = 320

// pageSize is bbolt's page size in new files, the same on every machine.
const pageSize = 4096

// Names of buckets and keys.
var (
	bucketSys    = []byte("sys")
	bucketIDs    = []byte("ids")
	bucketMeta   = []byte("meta")
	bucketTopics = []byte("topics")

	bucketLog   = []byte("log")
	bucketSeq   = []byte("seq")
	bucketMarks = []byte("marks")
	bucketForks = []byte("forks")
	bucketLarge = []byte("large") // only where there are manifests

	keyFormat = []byte("format")
	keyTotal  = []byte("total")
	keyName   = []byte("name")
	keyStat   = []byte("stat")
)

// fill is how full bbolt packs pages that are written in ascending order; half,
// its default, suits keys that come at random.
const fill = 0.95

var errLayout = errors.New("a record is missing or has the wrong size")

// checkFormat reports whether the file is empty, else checks that its format is
// this one.
func checkFormat(path string, tx *bbolt.Tx) (fresh bool, err error) {
	sys := tx.Bucket(bucketSys)
	if sys == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return false, errors.New("it is a database of another program")
		}
		return true, nil
	}
	v := sys.Get(keyFormat)
	if len(v) != 8 {
		return false, errLayout
	}
	if have := binary.BigEndian.Uint64(v); have != format {
		return false, &VersionError{Path: path, Have: have, Can: format}
	}
	for _, name := range [][]byte{bucketIDs, bucketMeta, bucketTopics} {
		if tx.Bucket(name) == nil {
			return false, errLayout
		}
	}
	_, err = readNumbers(sys.Get(keyTotal), 2)
	return false, err
}

// initFormat lays out an empty file.
func initFormat(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketIDs, bucketMeta, bucketTopics} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	sys, err := tx.CreateBucket(bucketSys)
	if err != nil {
		return err
	}
	if err := sys.Put(keyTotal, appendNumbers(nil, 0, 0)); err != nil {
		return err
	}
	return sys.Put(keyFormat, appendNumbers(nil, format))
}

// appendNumbers appends 8 bytes for each number.
func appendNumbers(b []byte, ns ...uint64) []byte {
	for _, n := range ns {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// readNumbers reads exactly n numbers.
func readNumbers(b []byte, n int) ([]uint64, error) {
	if len(b) != 8*n {
		return nil, errLayout
	}
	ns := make([]uint64, n)
	for i := range ns {
		ns[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return ns, nil
}

// location is where an item is.
type location struct {
	topic   protocol.TopicID
	arrival uint64 // 0 for evidence of a fork
}

// locate looks an item up.
func locate(tx *bbolt.Tx, id protocol.ItemID) (location, bool, error) {
	v := tx.Bucket(bucketIDs).Get(id[:])
	if v == nil {
		return location{}, false, nil
	}
	if len(v) != 24 {
		return location{}, false, errLayout
	}
	var l location
	copy(l.topic[:], v)
	l.arrival = binary.BigEndian.Uint64(v[16:])
	return l, true, nil
}

// append appends the encoded location.
func (l location) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, l.topic[:]...), l.arrival)
}

// logKind is the only kind of record in a log yet.
const logKind = 1

// newRecord returns a record of a log; receipt is in unix ms.
func newRecord(receipt uint64, it *protocol.Item) []byte {
	b := make([]byte, 0, 9+len(it.Bytes))
	b = binary.BigEndian.AppendUint64(append(b, logKind), receipt)
	return append(b, it.Bytes...)
}

// splitRecord returns the parts of a record of a log; raw aliases b.
func splitRecord(b []byte) (at time.Time, raw []byte, err error) {
	if len(b) < 9 || b[0] != logKind {
		return time.Time{}, nil, errLayout
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))), b[9:], nil
}

// appendAuthor appends what the keys of an author's items begin with in the index
// by author and sequence number.
func appendAuthor(b []byte, author protocol.PeerID) []byte {
	return append(append(b, byte(len(author))), author...)
}

// appendSeqKey appends a key of that index without the ID at its end.
func appendSeqKey(b []byte, author protocol.PeerID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendAuthor(b, author), seq)
}

// seqEntry is one entry of the index by author and sequence number.
type seqEntry struct {
	author  protocol.PeerID
	seq     uint64
	id      protocol.ItemID
	arrival uint64
}

// readSeq reads an entry of the index.
func readSeq(k, v []byte) (seqEntry, error) {
	if len(k) < 1 || len(k) != 1+int(k[0])+8+32 || len(v) != 8 {
		return seqEntry{}, errLayout
	}
	n := 1 + int(k[0])
	e := seqEntry{
		author:  protocol.PeerID(k[1:n]),
		seq:     binary.BigEndian.Uint64(k[n:]),
		arrival: binary.BigEndian.Uint64(v),
	}
	copy(e.id[:], k[n+8:])
	return e, nil
}

// scanSeq calls fn for an author's entries with first <= seq <= last, ascending by
// (seq, ID), until it returns false.
func scanSeq(seqs *bbolt.Bucket, author protocol.PeerID, first, last uint64, fn func(seqEntry) (bool, error)) error {
	return scanFrom(seqs, seqEntry{author: author, seq: first}, last, fn)
}

// scanFrom is scanSeq from the entry with the given author, seq and ID on.
func scanFrom(seqs *bbolt.Bucket, from seqEntry, last uint64, fn func(seqEntry) (bool, error)) error {
	prefix := appendAuthor(nil, from.author)
	start := append(appendSeqKey(nil, from.author, from.seq), from.id[:]...)
	c := seqs.Cursor()
	for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		e, err := readSeq(k, v)
		if err != nil {
			return err
		}
		if e.seq > last {
			return nil
		}
		if more, err := fn(e); err != nil || !more {
			return err
		}
	}
	return nil
}
