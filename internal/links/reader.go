package links

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// errMalformed: what came is no frame.
var errMalformed = errors.New("links: malformed frame")

const (
	// readBuffer is read from the stream at a time, so that a small frame does not
	// cost a call of the transport.
	readBuffer = 32 << 10
	// firstAlloc is allocated for a frame that claims more: the rest as bytes come.
	firstAlloc = 64 << 10
)

// frameReader reads frames from a stream.
type frameReader struct {
	r *bufio.Reader
	// fresh and took are of the last frame: the bytes of its body that were not here yet
	// when its length was, and the time until they were.
	fresh int
	took  time.Duration
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, readBuffer)}
}

// next reads a frame of 1 to limit bytes, which the caller owns, and the number of
// bytes it took on the stream. Errors are io.EOF where the stream ends between
// frames, errMalformed, and those of the stream; io.ErrUnexpectedEOF, the stream
// ended within a frame, is the peer's transport's fault, not malice.
func (f *frameReader) next(limit int) (frame []byte, size int, err error) {
	length, n, err := f.length(limit)
	if err != nil {
		return nil, 0, err
	}
	f.fresh, f.took = max(0, length-f.r.Buffered()), 0
	if f.fresh < leastReceived {
		frame, err = f.body(length)
		return frame, n + length, err
	}
	begin := time.Now()
	frame, err = f.body(length)
	f.took = time.Since(begin)
	return frame, n + length, err
}

// length reads an unsigned varint in minimal encoding, and its own size. It gives
// up as soon as the value is out of bounds.
func (f *frameReader) length(limit int) (length, size int, err error) {
	for shift := 0; ; shift += 7 {
		c, err := f.r.ReadByte()
		if err != nil {
			if size > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, 0, err
		}
		size++
		length |= int(c&0x7f) << shift
		switch last := c < 0x80; {
		case length > limit, last && length == 0, last && c == 0, !last && shift >= 21:
			return 0, 0, errMalformed
		case last:
			return length, size, nil
		}
	}
}

// body reads n bytes. Memory doubles as they come, so that a peer can make us
// allocate no more than twice what it sent and firstAlloc.
func (f *frameReader) body(n int) ([]byte, error) {
	buf := make([]byte, min(n, firstAlloc))
	for have := 0; ; {
		got, err := io.ReadFull(f.r, buf[have:])
		have += got
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have == n {
			return buf, nil
		}
		more := make([]byte, min(n, 2*have))
		copy(more, buf)
		buf = more
	}
}

// read passes frames on until the link ends. The time of arrival is taken when a
// frame is complete.
func (l *link) read(frames *frameReader) {
	for {
		frame, size, err := frames.next(protocol.MaxFrame)
		switch {
		case err == nil:
		case errors.Is(err, errMalformed):
			l.malformed()
			return
		case err == io.EOF:
			l.end(ReasonPeerClosed, false)
			return
		default:
			l.end(ReasonLost, false)
			return
		}
		l.framesIn.Add(1)
		l.bytesIn.Add(uint64(size))
		l.transferred(false, frames.fresh, frames.took)
		// While flushing, what comes is of no use any more, unless it is only the relay that
		// ends the link.
		if !l.ended() || l.endReason() == ReasonRelay {
			l.m.handler.Frame(l.peer, frame, l.m.cfg.Now())
		}
	}
}

// malformed charges the peer for bytes that are no frame, and ends the link.
func (l *link) malformed() {
	l.m.charge(l.peer)
	l.end(ReasonMalformed, false)
}
