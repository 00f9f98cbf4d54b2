package links

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// write writes what is queued until the link ends. What waits while a write is in
// progress goes out together in the next.
func (l *link) write(stream network.Stream) {
	batch := make([]byte, 0, batchSize)
	sent, begin := 0, time.Now() // since there was a pause
	for {
		small, large, state := l.out.next(l.m.cfg.Now(), batch)
		switch {
		case state == finished:
			// The peer reads an end in good order; after a reset this does nothing.
			_ = stream.CloseWrite()
			return
		case state == spent:
			l.end(ReasonRelay, true)
			continue
		case len(small) == 0:
			l.transferred(true, sent, time.Since(begin))
			<-l.out.wake
			sent, begin = 0, time.Now()
			continue
		}
		sent += len(small) + len(large)
		if !l.put(stream, small) {
			return
		}
		for len(large) > 0 {
			n := min(len(large), batchSize)
			if !l.put(stream, large[:n]) {
				return
			}
			large = large[n:]
		}
	}
}

// put writes at most batchSize bytes. A peer that does not take them in time, or is
// gone, loses the link.
func (l *link) put(stream network.Stream, b []byte) bool {
	timeout := l.m.cfg.WriteTimeout
	_ = stream.SetWriteDeadline(time.Now().Add(timeout))
	if l.ended() {
		// end has set a nearer deadline, perhaps before ours: set it again.
		_ = stream.SetWriteDeadline(time.Now().Add(l.m.cfg.FlushTimeout))
	}
	if _, err := stream.Write(b); err != nil {
		reason := ReasonLost
		if isTimeout(err) {
			reason = ReasonStalled
		}
		l.end(reason, false)
		return false
	}
	return true
}
