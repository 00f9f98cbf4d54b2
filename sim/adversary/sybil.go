package adversary

import (
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// sybilIdentities is how many hosts one place pretends to be (our guess: at 10%
// of the places nearly half of all hosts).
const sybilIdentities = 8

// sybil is one of the many hosts at one place, which all have addresses of the same
// prefix. Each wants a link of everybody that it hears of. See grab.
type sybil struct{ grab }

func newSybil(m *machine) conduct { return &sybil{newGrab(m)} }

func (s *sybil) hear(now protocol.Time, in protocol.Input) protocol.Input {
	switch in := in.(type) {
	case protocol.LinkUp:
		s.want(in.Link.Peer)
	case core.Contacts:
		for _, r := range in.Records {
			s.want(r.Peer)
		}
	case protocol.Received:
		for _, r := range core.RecordsIn(in.Msg) {
			s.want(r.Peer)
		}
	}
	return s.grab.hear(now, in)
}
