package scenario_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

// flood is one peer's share of the simplest protocol: whoever gets an item for the
// first time sends it to all neighbours but the one it came from.
type flood struct{ neighbours []protocol.PeerID }

func (f *flood) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.MembersChanged:
		for _, d := range in.Deltas {
			f.neighbours = slices.DeleteFunc(f.neighbours, func(p protocol.PeerID) bool { return p == d.Peer })
			if !d.Gone {
				f.neighbours = append(f.neighbours, d.Peer)
			}
		}
	case protocol.Received:
		if c, ok := in.Msg.(protocol.Carry); ok {
			out.Add(protocol.Arrive{Item: c.Item, From: in.From.Peer, Hops: c.Hops + 1})
		}
	case protocol.Accepted:
		for _, p := range f.neighbours {
			if p != in.From {
				out.Send(p, protocol.Carry{Item: in.Item, Hops: in.Hops}, protocol.Fresh, now.Add(5*time.Second))
			}
		}
	}
}

func (f *flood) Advance(protocol.Time, *protocol.Outbox) {}

func (f *flood) Deadline() protocol.Time { return protocol.Never }

// A protocol of one's own: write its machine, give it a name, and see what it comes
// to.
func ExampleRun() {
	mine := protocol.Plugin{Name: "flood", New: func(protocol.Env) protocol.Machine { return new(flood) }}
	res, _, err := scenario.Run(context.Background(),
		scenario.Scenario{Topology: "lognormal:100", Protocol: "flood", Items: 20},
		scenario.Options{Plugins: []protocol.Plugin{mine}, Check: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("everything was delivered:", res.DeliveryRatio == 1)
	fmt.Println("more than once:", res.Copies > 1)
	// Output:
	// everything was delivered: true
	// more than once: true
}
