package adversary

import (
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// freeride takes all items that it can get and never sends one: it forwards none, serves
// none, and says that it has no room for children. What it has it announces, so that its
// neighbours take it for one that could be asked.
type freeride struct{ plain }

func newFreeride(m *machine) conduct { return freeride{plain{m}} }

// leastBudget is the upload rate that its core is told, in bytes a second: none to speak
// of.
const leastBudget = 1

func (f freeride) hear(now protocol.Time, in protocol.Input) protocol.Input {
	if _, ok := in.(protocol.Start); ok {
		f.m.honest.Handle(now, protocol.BudgetChanged{UploadRate: leastBudget}, &f.m.inner)
	}
	return in
}

func (f freeride) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if !carries(e.Msg) {
			f.m.put(e)
		}
	case protocol.Multicast:
		if !carries(e.Msg) {
			f.m.put(e)
		}
	case protocol.FetchAndSend, protocol.FetchRange, swarm.FetchPieces:
	default:
		f.m.put(e)
	}
}
