package ways

// Kind is what a connection looks like from outside.
type Kind uint8

// The kinds, the one with the fewest round trips first: that is the order in which
// they are preferred. The numbers are kept on disk.
const (
	QUIC         Kind = iota // QUIC v1
	TCP                      // TCP, with nothing around it
	WSS                      // WebSocket over TLS, over TCP
	WebTransport             // HTTP/3, over QUIC v1
	numKinds
)

func (k Kind) String() string {
	if k < numKinds {
		return [numKinds]string{"quic", "tcp", "wss", "webtransport"}[k]
	}
	return "?"
}

// Way is what a firewall that cannot look inside may tell connections apart by.
type Way struct {
	Kind Kind
	IPv6 bool
	// HTTPS says that the port is 443, which is let through where little else is.
	HTTPS bool
}

// numWays is how many ways there are.
const numWays = int(numKinds) * 4

// index numbers the ways. The numbers are kept on disk.
func (w Way) index() int {
	i := int(w.Kind) << 2
	if w.IPv6 {
		i |= 2
	}
	if w.HTTPS {
		i |= 1
	}
	return i
}

// wayOf is the inverse of index.
func wayOf(i int) Way {
	return Way{Kind: Kind(i >> 2), IPv6: i&2 != 0, HTTPS: i&1 != 0}
}

// rank orders ways of which nothing is known, the best first: by kind, then IPv6
// before IPv4 (RFC 8305), then port 443, which is the likelier to be let through.
func (w Way) rank() int { return w.index() ^ 3 }

func (w Way) String() string {
	s := w.Kind.String()
	if w.IPv6 {
		s += "6"
	} else {
		s += "4"
	}
	if w.HTTPS {
		s += ":443"
	}
	return s
}
