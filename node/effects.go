package node

import (
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// perform does what the core wants done. Nothing here waits: the core's goroutine
// runs it. What the core must hear at once it hears at the end, in order.
func (n *Node) perform() {
	for n.out.Len() > 0 || len(n.replies) > 0 {
		n.effects = append(n.effects[:0], n.out.Take()...)
		for i, e := range n.effects {
			n.effect(e)
			n.effects[i] = nil
		}
		replies := n.replies
		n.replies = nil
		for _, in := range replies {
			n.core.Handle(n.now(), in, &n.out)
		}
	}
}

// effect does one thing.
func (n *Node) effect(e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if e.Class == protocol.Repair {
			n.serve(e.To, e) // behind what is being streamed, as the core sent it
			return
		}
		n.links.Send(e.To, e.Class, e.Expires, n.frame(e), e)
	case protocol.FetchAndSend:
		n.serve(e.To, e)
	case protocol.FetchRange:
		n.serve(e.To, e)
	case swarm.FetchPieces:
		n.serve(e.To, e)
	case swarm.Open, swarm.StorePiece, swarm.Done:
		n.large.add(e)
	case core.Dial:
		if e.Relayed {
			n.links.DialRelayed(e.Peer, e.Addrs)
		} else {
			n.links.Dial(e.Peer, e.Addrs)
		}
	case protocol.Close:
		n.links.Close(e.Peer, e.Reason)
	case core.Ban:
		n.gate.ban(e.Peer, e.For)
		n.log.Warn("peer refused for a while", "peer", e.Peer, "reason", e.Reason, "for", e.For)
	case protocol.Verify:
		if !n.verifier.check(e) {
			n.replies = append(n.replies, protocol.Verified{Token: e.Token, Verdict: protocol.Undecided})
		}
	case protocol.Store:
		n.storeItem(e)
	case protocol.Deliver:
		n.deliver(e)
	case core.Receipts:
		n.receipts.add(e)
	case protocol.Multicast, protocol.JoinGroup, protocol.LeaveGroup:
		n.group(e)
	case protocol.Health:
		n.fitness(e)
	case protocol.Event:
		n.event(e)
	}
}

// frame encodes a message; one that goes to several peers in a row is encoded
// once.
func (n *Node) frame(e protocol.Send) []byte {
	c, ok := e.Msg.(protocol.Carry)
	if !ok {
		return protocol.AppendFrame(nil, e.Topic, e.Object, e.Msg)
	}
	last := &n.lastCarry
	if last.carry == c && last.topic == e.Topic && last.object == e.Object {
		return last.frame
	}
	b := make([]byte, 0, len(c.Item.Bytes)+32)
	*last = encodedCarry{c, e.Topic, e.Object, protocol.AppendFrame(b, e.Topic, e.Object, c)}
	return last.frame
}

// encodedCarry is the item message encoded last.
type encodedCarry struct {
	carry  protocol.Carry
	topic  protocol.TopicID
	object protocol.ObjectID
	frame  []byte
}
