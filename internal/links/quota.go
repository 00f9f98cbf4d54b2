package links

import (
	"math"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
)

// quota is how much a connection may carry from here. A relay that has passed on so much
// resets the connection, and what is on the way is lost: of a burst as large as the
// limit nearly all, each time again. So the sender stops in time, and the link ends in
// good order: all that was sent arrives, and what was not goes by the next connection.
type quota struct {
	left int // bytes
	most int // largest frame that a new connection would carry
}

// unlimited is the quota of a direct connection.
var unlimited = quota{math.MaxInt, math.MaxInt}

// What else takes of it (the first our measurement, see minRelayBytes; the second the
// headers of yamux and Noise or TLS, with some to spare).
const (
	relayOverhead = 12 << 10
	writeOverhead = 64
)

// quotaOf is that of a new connection, by what its relay said that it allows.
func quotaOf(conn network.Conn) quota {
	limit, ok := conn.Stat().Extra[client.StatLimitData].(uint64)
	if !ok || limit == 0 || limit > math.MaxInt {
		return unlimited
	}
	// Of a relay that allows next to nothing something is used, come what may.
	n := max(int(limit)-relayOverhead, int(limit)/4)
	return quota{left: n, most: n - writeOverhead}
}

// take counts what is written at once.
func (q *quota) take(n int) {
	if q.left != math.MaxInt {
		q.left = max(0, q.left-n-writeOverhead)
	}
}
