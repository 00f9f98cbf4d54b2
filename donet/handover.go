package donet

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A new parent pushes what comes to it from then on. What it had before is still on its way
// along the old parent, where it takes longer: who left that one at once would miss it, and
// get it only after having asked. So the old parent is told to stop when what it sent until
// it hears that has closed the gap: later by as much as items came later from it, less the
// round trip to it.

const (
	// handoverSlack is added, for both lags are estimates; maxHandover bounds how long two
	// push (our guesses).
	handoverSlack = 2 * time.Millisecond
	maxHandover   = 250 * time.Millisecond
)

// handOver ends what is between this peer and the parent before, to which it had a lag of
// was, as soon as the present one has taken over.
func (m *Machine) handOver(now protocol.Time, st *stream, old *peer, was time.Duration, out *protocol.Outbox) {
	m.dropFormer(now, st, out)
	behind := was - st.lag
	st.former, st.formerUntil = old, now.Add(min(max(behind+behind/8+handoverSlack-old.roundTrip(), 0), maxHandover))
	if st.formerUntil <= now {
		m.dropFormer(now, st, out)
	}
}

// dropFormer tells the parent before to stop, if there is one.
func (m *Machine) dropFormer(now protocol.Time, st *stream, out *protocol.Outbox) {
	if p := st.former; p != nil {
		st.noFormer(p)
		m.changed = true
		p.told = now
		out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
	}
}

// noFormer forgets the parent before if it is this peer.
func (st *stream) noFormer(p *peer) {
	if st.former == p {
		st.former, st.formerUntil = nil, protocol.Never
	}
}
