package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestUvarint(t *testing.T) {
	tests := []struct {
		bytes string
		limit uint64
		want  uint64
		err   error
	}{
		{"\x00", 0, 0, nil},
		{"\x7f", 127, 127, nil},
		{"\x7f", 126, 0, ErrMalformed},
		{"\x80\x01", 1000, 128, nil},
		{"\x80\x00", 1000, 0, ErrMalformed},
		{"\x80", 1000, 0, ErrTruncated},
		{"", 1000, 0, ErrTruncated},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1<<64 - 1, 1<<64 - 1, nil},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 1<<64 - 1, 0, ErrMalformed},
		{strings.Repeat("\xff", 11), 1<<64 - 1, 0, ErrMalformed},
	}
	for _, test := range tests {
		r := NewReader([]byte(test.bytes))
		if got := r.Uvarint(test.limit); got != test.want || !errors.Is(r.Done(), test.err) {
			t.Errorf("%x up to %d: got %d, %v, want %d, %v", test.bytes, test.limit, got, r.Done(), test.want, test.err)
		}
	}
}

// Each read of what is not there fails; what it returns is zero, and so is all that
// follows, even where bytes are left.
func TestReaderFails(t *testing.T) {
	peer := PeerID(strings.Repeat("x", MaxPeerIDLen))
	tests := []struct {
		name  string
		bytes string
		read  func(*Reader) bool // reports whether it got something
		want  error
	}{
		{"byte", "", func(r *Reader) bool { return r.Byte() != 0 }, ErrTruncated},
		{"uint64", "1234567", func(r *Reader) bool { return r.Uint64() != 0 }, ErrTruncated},
		{"fixed", "123", func(r *Reader) bool { return r.Fixed(4) != nil }, ErrTruncated},
		{"bytes", "\x03ab", func(r *Reader) bool { return r.Bytes(9) != nil }, ErrTruncated},
		{"bytes beyond the limit", "\x03abc", func(r *Reader) bool { return r.Bytes(2) != nil }, ErrMalformed},
		{"peer too long", string(AppendPeer(nil, peer+"x")), func(r *Reader) bool { return r.Peer() != "" }, ErrMalformed},
		{"topic", "123", func(r *Reader) bool { return r.Topic() != TopicID{} }, ErrTruncated},
		{"item", "123", func(r *Reader) bool { return r.Item() != ItemID{} }, ErrTruncated},
		{"count beyond the limit", "\x03abc", func(r *Reader) bool { return r.Count(2, 1) != 0 }, ErrMalformed},
		{"count beyond the bytes", "\x03abcde", func(r *Reader) bool { return r.Count(9, 2) != 0 }, ErrTruncated},
		{"fail", "abc", func(r *Reader) bool { r.Fail(); return false }, ErrMalformed},
		{"a byte left", "abc", func(r *Reader) bool { r.Fixed(2); return false }, ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := NewReader([]byte(test.bytes))
			if test.read(r) {
				t.Error("something was read")
			}
			if err := r.Done(); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			first := r.Err()
			if r.Byte() != 0 || r.Uvarint(9) != 0 || r.Uint64() != 0 || r.Bytes(9) != nil || r.Peer() != "" || r.Count(9, 1) != 0 || r.Rest() != nil {
				t.Error("something was read after an error")
			}
			r.Fail()
			if r.Err() != first {
				t.Errorf("the first error was %v, now it is %v", first, r.Err())
			}
		})
	}
}

func TestReaderReads(t *testing.T) {
	peer := PeerID(strings.Repeat("x", MaxPeerIDLen))
	news, id := TopicOf("news"), ItemID{1, 2, 3}
	b := []byte{7}
	b = binary.BigEndian.AppendUint64(b, 1<<63)
	b = AppendBytes(b, []byte("abc"))
	b = AppendBytes(b, nil)
	b = AppendPeer(b, peer)
	b = append(append(b, news[:]...), id[:]...)
	b = append(b, "\x02abrest"...)
	r := NewReader(b)
	if r.Byte() != 7 || r.Uint64() != 1<<63 || string(r.Bytes(3)) != "abc" || len(r.Bytes(3)) != 0 || r.Peer() != peer ||
		r.Topic() != news || r.Item() != id || r.Count(2, 1) != 2 || string(r.Fixed(2)) != "ab" || string(r.Rest()) != "rest" {
		t.Error("what was written is not what is read")
	}
	if err := r.Done(); err != nil {
		t.Error(err)
	}
}

// What a Reader hands out cannot be grown into what follows.
func TestFixedIsClipped(t *testing.T) {
	b := []byte("abcd")
	_ = append(NewReader(b).Fixed(2), 'x')
	if string(b) != "abcd" {
		t.Errorf("the body became %q", b)
	}
}

// FuzzReader reads by a script: nothing panics, nothing is read beyond the end, and
// numbers and byte strings are encoded in one way only.
func FuzzReader(f *testing.F) {
	f.Add([]byte("ubpti8c"), []byte("\x80\x01\x03abc"))
	f.Fuzz(func(t *testing.T, script, b []byte) {
		r := NewReader(b)
		var again []byte
		for _, op := range script {
			switch op % 4 {
			case 0:
				if v := r.Uvarint(1<<64 - 1); r.Err() == nil {
					again = binary.AppendUvarint(again, v)
				}
			case 1:
				if v := r.Bytes(1 << 20); r.Err() == nil {
					again = AppendBytes(again, v)
				}
			case 2:
				if v := r.Peer(); r.Err() == nil {
					again = AppendPeer(again, v)
				}
			case 3:
				if v := r.Uint64(); r.Err() == nil {
					again = binary.BigEndian.AppendUint64(again, v)
				}
			}
		}
		if r.Err() == nil {
			again = append(again, r.Rest()...)
			if !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}
