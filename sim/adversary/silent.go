package adversary

import (
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// silent holds its links, answers pings and keeps its places in active views, but
// says nothing that has to do with items: it forwards and announces none, shows no
// digest, and answers no request for what was missed. SecureCyclon fell to peers
// that are silent, for silence looks like churn.
type silent struct{ plain }

func newSilent(m *machine) conduct { return silent{plain{m}} }

func (s silent) emit(_ protocol.Time, e protocol.Effect) {
	if !aboutItems(e) {
		s.m.put(e)
	}
}

// aboutItems reports whether an effect says something to another host that is not
// membership: anything within a topic but the messages of its active view.
func aboutItems(e protocol.Effect) bool {
	switch e := e.(type) {
	case protocol.Send:
		return !e.Topic.IsZero() && e.Object != protocol.ObjectView
	case protocol.Multicast, protocol.FetchAndSend, protocol.FetchRange, swarm.FetchPieces:
		return true
	}
	return false
}
