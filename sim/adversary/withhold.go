package adversary

import (
	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// withhold announces every item, shows honest digests and promises whatever it is
// asked for, but never sends an item. Where an honest peer would push, it
// announces: a link that its neighbour holds to be eager brings nothing else.
// Protocols other than gossip have no announcement that it knows: their copies
// are lost.
type withhold struct{ plain }

func newWithhold(m *machine) conduct { return withhold{plain{m}} }

func (w withhold) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		c, ok := e.Msg.(protocol.Carry)
		if ok && e.Object != protocol.ObjectGossip {
			return
		}
		if ok {
			e.Msg = gossip.IHave{Items: []gossip.Announcement{{ID: c.Item.ID, Size: len(c.Item.Bytes)}}}
			e.Class = protocol.Control
		}
		w.m.put(e)
	case protocol.Multicast:
		if !carries(e.Msg) {
			w.m.put(e)
		}
	case protocol.FetchAndSend, protocol.FetchRange, swarm.FetchPieces:
	default:
		w.m.put(e)
	}
}
