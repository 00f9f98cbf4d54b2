package sim

import (
	"bytes"

	"github.com/quilt-p2p/quilt/protocol"
)

// verify answers a Verify after Config.Processing, one item at a time. What the
// host holds already takes its time as well: its driver does not know better
// before.
func (h *Host) verify(e protocol.Verify) {
	n := h.net
	verdict := protocol.Invalid
	if h.Holds(e.Item) {
		verdict = protocol.Known
	} else if n.shelf.genuine(e.Item) {
		verdict = protocol.Valid
	}
	h.verified = max(h.verified, h.lane.now).Add(n.cfg.Processing)
	h.schedule(h.verified.Sub(h.lane.now), event{host: h.index, kind: evInput,
		input: protocol.Verified{Token: e.Token, Verdict: verdict}})
}

// genuine stands for the check of a signature: the simulator leaves signatures out,
// so an item is its author's if it is byte by byte what a host has published. The
// shelf has nothing else, for only what is genuine gets stored.
func (s *shelf) genuine(it *protocol.Item) bool {
	i, ok := s.byID[it.ID]
	return ok && bytes.Equal(s.items[i].Bytes, it.Bytes)
}
