package links

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// Transfer says that so many bytes went over a direct link without a pause, for
// [Config.OnTransfer]: how much room there was at least.
type Transfer struct {
	Sent  bool // or received
	Local ma.Multiaddr
	Bytes int
	Took  time.Duration
}

// What is too little says more of buffers than of the network (our guesses: a large
// frame's body beyond what is buffered here; several windows of a young connection).
const (
	leastReceived = 32 << 10
	leastSent     = 256 << 10
)

// transferred tells of a transfer, unless it says nothing: a relay's limits are not this
// host's, and what TCP takes to send may be in the kernel's buffer, which QUIC does not
// have.
func (l *link) transferred(sent bool, bytes int, took time.Duration) {
	if l.m.cfg.OnTransfer == nil || took <= 0 || sent && bytes < leastSent || !sent && bytes < leastReceived {
		return
	}
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn == nil || relayed(conn) {
		return
	}
	if _, err := conn.LocalMultiaddr().ValueForProtocol(ma.P_UDP); sent && err != nil {
		return
	}
	l.m.cfg.OnTransfer(Transfer{Sent: sent, Local: conn.LocalMultiaddr(), Bytes: bytes, Took: took})
}
