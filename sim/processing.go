package sim

import "github.com/quilt-p2p/quilt/protocol"

// verify answers a Verify after Config.Processing, one item at a time. What the
// host holds already takes its time as well: its driver does not know better
// before.
func (h *Host) verify(e protocol.Verify) {
	n := h.net
	verdict := protocol.Valid
	if h.Holds(e.Item) {
		verdict = protocol.Known
	}
	h.verified = max(h.verified, n.now).Add(n.cfg.Processing)
	n.schedule(h.verified.Sub(n.now), event{host: h.index, kind: evInput,
		input: protocol.Verified{Token: e.Token, Verdict: verdict}})
}
