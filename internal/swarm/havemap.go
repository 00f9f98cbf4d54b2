package swarm

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// The two encodings of a map.
const (
	mapBits uint8 = iota
	mapRuns
)

// appendMap appends the shorter encoding of which of n pieces are in a set.
func appendMap(b []byte, set large.Bits, n int) []byte {
	size := (n + 7) / 8
	at := len(b)
	b = append(b, mapRuns)
	has, run := false, 0
	for i := range n {
		if set.Has(i) == has {
			run++
			continue
		}
		if b = binary.AppendUvarint(b, uint64(run)); len(b)-at > size {
			return appendBits(b[:at], set, size)
		}
		has, run = !has, 1
	}
	if b = binary.AppendUvarint(b, uint64(run)); len(b)-at > size {
		return appendBits(b[:at], set, size)
	}
	return b
}

func appendBits(b []byte, set large.Bits, size int) []byte {
	b = append(b, mapBits)
	for i := range size {
		b = append(b, byte(set[i/8]>>(8*(i%8))))
	}
	return b
}

// readMap reads one of n pieces.
func readMap(r *protocol.Reader, n int) large.Bits {
	if n == 0 {
		r.Fail()
	}
	form := r.Byte()
	if form > mapRuns || r.Err() != nil {
		r.Fail()
		return nil
	}
	if form == mapRuns {
		return readRuns(r, n)
	}
	raw := r.Fixed((n + 7) / 8)
	if raw == nil {
		return nil
	}
	set := large.NewBits(n)
	for i, c := range raw {
		set[i/8] |= uint64(c) << (8 * (i % 8))
	}
	if n%8 != 0 && raw[len(raw)-1]>>(n%8) != 0 {
		r.Fail()
	}
	return set
}

func readRuns(r *protocol.Reader, n int) large.Bits {
	set := large.NewBits(n)
	has, first := false, true
	for at := 0; at < n; has, first = !has, false {
		run := int(r.Uvarint(uint64(n - at)))
		if r.Err() != nil || run == 0 && !first {
			r.Fail()
			return nil
		}
		if has {
			for i := at; i < at+run; i++ {
				set.Set(i)
			}
		}
		at += run
	}
	return set
}
