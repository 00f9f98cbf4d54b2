package links

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestFrameReader: what is a frame and what is not.
func TestFrameReader(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want int // length of the frame
		err  error
	}{
		{[]byte{1, 7}, 1, nil},
		{framed(make([]byte, protocol.MaxFrame)), protocol.MaxFrame, nil},
		{nil, 0, io.EOF},
		{[]byte{0}, 0, errMalformed},
		{[]byte{0x80}, 0, io.ErrUnexpectedEOF},
		{[]byte{0x80, 0}, 0, errMalformed},
		{[]byte{0x81, 0, 7}, 0, errMalformed},
		{[]byte{5, 1, 2, 3, 4}, 0, io.ErrUnexpectedEOF},
		{[]byte{5}, 0, io.ErrUnexpectedEOF},
		{binary.AppendUvarint(nil, protocol.MaxFrame+1), 0, errMalformed},
		{binary.AppendUvarint(nil, 1<<31), 0, errMalformed},
		{binary.AppendUvarint(nil, 1<<63), 0, errMalformed},
		{[]byte{0x80, 0x80, 0x80, 0x80}, 0, errMalformed},
	} {
		for _, r := range []io.Reader{bytes.NewReader(c.in), iotest.OneByteReader(bytes.NewReader(c.in))} {
			frame, size, err := newFrameReader(r).next(protocol.MaxFrame)
			if !errors.Is(err, c.err) || len(frame) != c.want {
				t.Errorf("%.8x: %d bytes, error %v; want %d, %v", c.in, len(frame), err, c.want, c.err)
			}
			if err == nil && size != len(c.in) {
				t.Errorf("%.8x: took %d bytes of %d", c.in, size, len(c.in))
			}
		}
	}
}

// TestFrameReaderAllocates no more than twice what came, and firstAlloc, whatever is
// claimed.
func TestFrameReaderAllocates(t *testing.T) {
	allocated := func(in []byte) uint64 {
		r := newFrameReader(bytes.NewReader(in))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := r.next(protocol.MaxFrame)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Error("no error")
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	const slack = 16 << 10
	if got := allocated(append(binary.AppendUvarint(nil, 1<<31), 1)); got > slack {
		t.Errorf("a frame that claims 2 GiB made us allocate %d bytes", got)
	}
	if got := allocated(append(binary.AppendUvarint(nil, protocol.MaxFrame), 1)); got > firstAlloc+slack {
		t.Errorf("a frame that claims 1 MiB and has a byte made us allocate %d bytes", got)
	}
	came := append(binary.AppendUvarint(nil, protocol.MaxFrame), make([]byte, 100<<10)...)
	if got := allocated(came); got > firstAlloc+2*100<<10+slack {
		t.Errorf("a frame that claims 1 MiB and has 100 KiB made us allocate %d bytes", got)
	}
}

// TestGreetingGolden: the greeting's bytes stay what they are.
func TestGreetingGolden(t *testing.T) {
	g := greeting{session{0x0102030405060708, 9}, session{0x1112131415161718, 0x19}, []byte("hi")}
	const want = "0102030405060708" + "0000000000000009" + "1112131415161718" + "0000000000000019" + "6869"
	if got := hex.EncodeToString(g.appendTo(nil)); got != want {
		t.Errorf("greeting is\n%s, want\n%s", got, want)
	}
	if _, err := parseGreeting(make([]byte, maxGreeting+1)); err == nil {
		t.Error("a greeting beyond MaxHello was taken")
	}
}

// FuzzGreeting: what parses encodes to the same bytes.
func FuzzGreeting(f *testing.F) {
	f.Add(greeting{session: session{1, 1}}.appendTo(nil))
	f.Add(greeting{session{1, 2}, session{3, 4}, []byte("hello")}.appendTo(nil))
	f.Add(make([]byte, greetingHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := parseGreeting(b)
		if err == nil && !bytes.Equal(g.appendTo(nil), b) {
			t.Errorf("%x parses and encodes to %x", b, g.appendTo(nil))
		}
	})
}

// FuzzFrames: frames that are read, written again, are the bytes that were read.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{1, 7, 2, 8, 9})
	f.Add([]byte{0})
	f.Add([]byte{0x80, 0x01, 1})
	f.Add(framed(make([]byte, 200)))
	f.Add(binary.AppendUvarint(nil, 1<<31))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newFrameReader(bytes.NewReader(b))
		var again []byte
		for {
			frame, size, err := r.next(protocol.MaxFrame)
			if err != nil {
				if err == io.EOF && len(again) != len(b) {
					t.Errorf("%d bytes of %d were read to the end", len(again), len(b))
				}
				break
			}
			if len(frame) == 0 || size != len(framed(frame)) {
				t.Fatalf("frame of %d bytes took %d", len(frame), size)
			}
			again = append(again, framed(frame)...)
		}
		if !bytes.HasPrefix(b, again) {
			t.Errorf("%x was read as %x", b, again)
		}
	})
}
