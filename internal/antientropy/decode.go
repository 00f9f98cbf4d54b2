package antientropy

import (
	"math"

	"github.com/quilt-p2p/quilt/protocol"
)

// Decode reads the body of a message of this package; it is a protocol.Decoder.
// What it accepts, AppendTo writes again byte by byte.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case protocol.KindCarry:
		return carry(body)
	case KindDigest:
		m = decodeDigest(r)
	case KindPull:
		m = decodePull(r)
	case KindWant:
		m = decodeWant(r)
	case KindAnswer:
		m = decodeAnswer(r)
	case KindReconcile:
		if len(body) > MaxReconcile {
			return nil, protocol.ErrMalformed
		}
		m = decodeReconcile(r)
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// carry keeps a failed Carry from becoming a non-nil Message.
func carry(body []byte) (protocol.Message, error) {
	c, err := protocol.DecodeCarry(body)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func decodeDigest(r *protocol.Reader) Digest {
	d := Digest{Floor: r.Uvarint(MaxSeq)}
	d.From = d.Floor + r.Uvarint(MaxSeq-d.Floor)
	d.Top = r.Uvarint(MaxSeq)
	d.Runs = decodeRanges(r, MaxDigestRuns)
	if len(d.Runs) == 0 {
		if d.Top != 0 || d.From != d.Floor {
			r.Fail()
		}
		return d
	}
	d.Head = r.Item()
	// Top is the end of the last run, unless the list was full: then it is the
	// end of a later one.
	first, last := d.Runs[0], d.Runs[len(d.Runs)-1].Last
	more := len(d.Runs) == MaxDigestRuns && d.Top >= last+2
	if first.First < d.Floor || first.Last < d.From || d.Top != last && !more {
		r.Fail()
	}
	return d
}

func decodePull(r *protocol.Reader) Pull {
	p := Pull{
		Token:    decodeToken(r),
		MaxBytes: int(r.Uvarint(MaxPullBytes)),
		Ranges:   decodeRanges(r, MaxPullRanges),
	}
	if p.MaxBytes == 0 || len(p.Ranges) == 0 {
		r.Fail()
	}
	return p
}

func decodeWant(r *protocol.Reader) Want {
	w := Want{Token: decodeToken(r)}
	w.Keys = decodeKeys(r, MaxWantKeys, Key{}, end)
	if len(w.Keys) == 0 {
		r.Fail()
	}
	return w
}

func decodeAnswer(r *protocol.Reader) Answer {
	a := Answer{Token: decodeToken(r)}
	busy := r.Byte()
	a.Busy = busy == 1
	a.Ranges = decodeRanges(r, MaxAnswerRanges)
	if busy > 1 || a.Busy && len(a.Ranges) > 0 {
		r.Fail()
	}
	return a
}

func decodeToken(r *protocol.Reader) uint32 { return uint32(r.Uvarint(math.MaxUint32)) }

// decodeRanges reads a range set of at most limit ranges within 1 and MaxSeq.
func decodeRanges(r *protocol.Reader, limit int) []Range {
	n := r.Count(limit, 2)
	rs := make([]Range, 0, n)
	least := uint64(1)
	for range n {
		if least > MaxSeq {
			r.Fail()
			break
		}
		first := least + r.Uvarint(MaxSeq-least)
		last := first + r.Uvarint(MaxSeq-first)
		rs = append(rs, Range{first, last})
		least = last + 2
	}
	if r.Err() != nil || n == 0 {
		return nil
	}
	return rs
}

// decodeKeys reads a list of at most limit strictly ascending keys, from lower
// on and below upper.
func decodeKeys(r *protocol.Reader, limit int, lower, upper Key) []Key {
	n := r.Count(limit, minKeySize)
	keys := make([]Key, 0, n)
	prev := lower
	for i := range n {
		k := Key{Bucket: prev.Bucket + r.Uvarint(MaxBucket-prev.Bucket), ID: r.Item()}
		if c := prev.Compare(k); c > 0 || c == 0 && i > 0 || k.Compare(upper) >= 0 {
			r.Fail()
		}
		if r.Err() != nil {
			return nil
		}
		keys = append(keys, k)
		prev = k
	}
	if n == 0 {
		return nil
	}
	return keys
}

func decodeReconcile(r *protocol.Reader) Reconcile {
	m := Reconcile{Session: decodeToken(r), Round: r.Byte()}
	n := r.Count(MaxKeyRanges, 2)
	lower := Key{}
	for i := range n {
		kr := decodeKeyRange(r, lower)
		// A canonical list has no two skips in a row and none at the end.
		trailing := kr.Mode == ModeSkip && i == n-1
		double := kr.Mode == ModeSkip && i > 0 && m.Ranges[i-1].Mode == ModeSkip
		if trailing || double {
			r.Fail()
		}
		if r.Err() != nil {
			return Reconcile{}
		}
		m.Ranges = append(m.Ranges, kr)
		lower = kr.Upper
	}
	return m
}

func decodeKeyRange(r *protocol.Reader, lower Key) KeyRange {
	kr := KeyRange{Upper: decodeBound(r, lower), Mode: Mode(r.Byte())}
	switch kr.Mode {
	case ModeSkip:
	case ModeFingerprint:
		copy(kr.Fingerprint[:], r.Fixed(len(kr.Fingerprint)))
	case ModeKeys, ModeHave:
		kr.Keys = decodeKeys(r, MaxReconcile/minKeySize, lower, kr.Upper)
		if kr.Mode == ModeHave && len(kr.Keys) == 0 {
			r.Fail()
		}
	default:
		r.Fail()
	}
	return kr
}

// decodeBound reads an upper bound greater than lower.
func decodeBound(r *protocol.Reader, lower Key) Key {
	if lower == end {
		r.Fail()
		return end
	}
	distance := r.Uvarint(MaxBucket - lower.Bucket + 1)
	if distance == 0 {
		return end
	}
	k := Key{Bucket: lower.Bucket + distance - 1}
	prefix := r.Bytes(len(k.ID))
	copy(k.ID[:], prefix)
	if n := len(prefix); n > 0 && prefix[n-1] == 0 || k.Compare(lower) <= 0 {
		r.Fail()
	}
	return k
}
