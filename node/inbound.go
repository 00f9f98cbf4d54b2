package node

import (
	"errors"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// handler turns what happens on the links into inputs of the core.
type handler struct{ n *Node }

// Hello takes a peer's greeting: its signed record.
func (h handler) Hello(p protocol.PeerID, hello []byte) error {
	rec, err := gossipmembership.ParseRecord(hello)
	if err != nil {
		return err
	}
	if !h.n.gate.open(p) { // by a connection from before it was banned
		return errors.New("refused for a while")
	}
	if rec.Peer != p {
		return errors.New("greeting with another peer's record")
	}
	if err := h.n.records.verify(&rec); err != nil {
		return err
	}
	h.n.tell(core.Contacts{Records: []gossipmembership.Record{rec}, From: p})
	return nil
}

func (h handler) Up(l protocol.Link) { h.n.tell(linkUp{link: l}) }

func (h handler) Down(p protocol.PeerID, reason string) { h.n.tell(linkDown{peer: p, reason: reason}) }

func (h handler) DialFailed(p protocol.PeerID, reason string) {
	h.n.tell(protocol.DialFailed{Peer: p, Reason: reason})
}

// Frame decodes a message and checks the records in it, in the link's own
// goroutine: while it waits for the core nothing more is read from the peer.
func (h handler) Frame(p protocol.PeerID, frame []byte, at protocol.Time) {
	if !h.n.budget.take(len(frame)) {
		return // closing
	}
	if !h.decode(p, frame, at) {
		h.n.budget.give(len(frame))
	}
}

// decode brings the core a frame's message; it reports whether it did.
func (h handler) decode(p protocol.PeerID, frame []byte, at protocol.Time) bool {
	f, err := protocol.ParseFrame(frame)
	var msg protocol.Message
	if err == nil {
		msg, err = core.DecodeWith(h.n.plugin, f)
	}
	if err != nil {
		h.n.refuse(p, "malformed")
		return false
	}
	for _, rec := range core.RecordsIn(msg) {
		if h.n.records.verify(&rec) != nil {
			h.n.refuse(p, "forged-record")
			return false
		}
	}
	h.n.tell(frameIn{size: len(frame), received: protocol.Received{
		From:  protocol.Origin{Peer: p, Authenticated: true},
		Topic: f.Topic, Object: f.Object, Msg: msg, At: at,
	}})
	return true
}

// frameIn is a message and what it takes of the budget until the core has it.
type frameIn struct {
	protocol.HostInput
	size     int
	received protocol.Received
}

// refuse counts input that no honest peer sends and charges the peer.
func (n *Node) refuse(p protocol.PeerID, what string) {
	n.count("refused."+what, 1)
	n.tell(core.Misconduct{Peer: p})
}

func (h handler) Congested(p protocol.PeerID) { h.n.tell(protocol.Congested{Peer: p}) }

func (h handler) Drained(p protocol.PeerID) { h.n.tell(protocol.Drained{Peer: p}) }

func (h handler) Dropped(p protocol.PeerID, class protocol.Class, tag any) {
	e, ok := tag.(protocol.Send)
	if !ok {
		return
	}
	d := protocol.SendDropped{Peer: p, Topic: e.Topic, Object: e.Object, Class: class}
	if c, ok := e.Msg.(protocol.Carry); ok {
		d.Item = c.Item
	}
	h.n.tell(d)
}

func (h handler) Found(p protocol.PeerID, addrs []string) {
	h.n.tell(core.Contacts{Records: []gossipmembership.Record{{Peer: p, Addrs: addrs}}})
}

func (h handler) AddrsChanged() {
	select {
	case h.n.addrsChanged <- struct{}{}:
	default:
	}
}

// linkUp and linkDown take a detour through the node, which starts and stops to
// serve the peer.
type linkUp struct {
	protocol.HostInput
	link protocol.Link
}

type linkDown struct {
	protocol.HostInput
	peer   protocol.PeerID
	reason string
}
