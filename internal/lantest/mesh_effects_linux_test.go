package lantest

import (
	"errors"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// meshHeld bounds the items that a peer's disk remembers.
const meshHeld = 4096

// meshDisk remembers the latest items, for who has missed one.
type meshDisk struct {
	byID  map[protocol.ItemID]*protocol.Item
	bySeq map[uint64]*protocol.Item
	order []*protocol.Item
}

func (d *meshDisk) put(it *protocol.Item) {
	if d.byID == nil {
		d.byID, d.bySeq = make(map[protocol.ItemID]*protocol.Item), make(map[uint64]*protocol.Item)
	}
	if len(d.order) == meshHeld {
		delete(d.byID, d.order[0].ID)
		delete(d.bySeq, d.order[0].Seq)
		d.order = d.order[1:]
	}
	d.byID[it.ID], d.bySeq[it.Seq] = it, it
	d.order = append(d.order, it)
}

// ids are those held of a range.
func (d *meshDisk) ids(first, last uint64) (list []protocol.ItemID) {
	for seq := first; seq <= last && len(list) < meshHeld; seq++ {
		if it := d.bySeq[seq]; it != nil {
			list = append(list, it.ID)
		}
	}
	return list
}

// perform does what the core wants. Signatures are checked at once.
func (m *meshPeer) perform() {
	for m.out.Len() > 0 {
		for _, effect := range append([]protocol.Effect(nil), m.out.Take()...) {
			m.effect(effect)
		}
	}
}

func (m *meshPeer) effect(effect protocol.Effect) {
	switch x := effect.(type) {
	case protocol.Send:
		m.links.Send(x.To, x.Class, x.Expires, m.frame(x), x)
	case protocol.FetchAndSend:
		select {
		case m.jobs <- x:
		default: // it is asked for again
		}
	case protocol.FetchRange:
		m.effect(protocol.FetchAndSend{To: x.To, Topic: x.Topic, Object: x.Object, Items: m.disk.ids(x.First, x.Last), Expires: x.Expires})
	case core.Dial:
		m.links.Dial(x.Peer, x.Addrs)
	case protocol.Close:
		m.links.Close(x.Peer, x.Reason)
	case protocol.Verify:
		v := protocol.Valid
		if feed.Verify(x.Item) != nil {
			v = protocol.Invalid
			m.invalid++
		}
		m.core.Handle(m.now(), protocol.Verified{Token: x.Token, Verdict: v}, &m.out)
	case protocol.Store:
		m.disk.put(x.Item)
		m.core.Handle(m.now(), protocol.Stored{Token: x.Token, OK: true}, &m.out)
	case protocol.Deliver:
		m.heard = m.now()
		if x.From != "" {
			m.delivered++
		}
	}
}

// frame encodes a message; an item that goes to several in a row is encoded once, as the
// running peer does.
func (m *meshPeer) frame(e protocol.Send) []byte {
	c, ok := e.Msg.(protocol.Carry)
	if !ok {
		return protocol.AppendFrame(nil, e.Topic, e.Object, e.Msg)
	}
	if m.last.carry != c {
		m.last.carry = c
		sent := c
		if c.Item.Author != m.id {
			sent.Item = m.copyOf(c.Item)
		}
		m.last.frame = protocol.AppendFrame(make([]byte, 0, len(c.Item.Bytes)+32), e.Topic, e.Object, sent)
	}
	return m.last.frame
}

// meshHandler turns what happens on the links into inputs of the core.
type meshHandler struct{ m *meshPeer }

func (h meshHandler) tell(in protocol.Input) { h.m.inputs <- in }

func (h meshHandler) Hello(p protocol.PeerID, hello []byte) error {
	rec, err := gossipmembership.ParseRecord(hello)
	if err == nil {
		err = rec.Verify()
	}
	if err == nil && rec.Peer != p {
		err = errors.New("greeting with another peer's record")
	}
	if err == nil {
		h.tell(core.Contacts{Records: []gossipmembership.Record{rec}, From: p})
	}
	return err
}

func (h meshHandler) Frame(p protocol.PeerID, frame []byte, at protocol.Time) {
	f, err := protocol.ParseFrame(frame)
	var msg protocol.Message
	if err == nil {
		msg, err = core.DecodeWith(&h.m.plugin, f)
	}
	for _, rec := range core.RecordsIn(msg) {
		err = errors.Join(err, rec.Verify())
	}
	if err != nil {
		h.tell(core.Misconduct{Peer: p})
		return
	}
	h.tell(protocol.Received{From: protocol.Origin{Peer: p, Authenticated: true}, Topic: f.Topic, Object: f.Object, Msg: msg, At: at})
}

func (h meshHandler) Up(l protocol.Link) { h.tell(protocol.LinkUp{Link: l}) }
func (h meshHandler) Down(p protocol.PeerID, reason string) {
	h.tell(protocol.LinkDown{Peer: p, Reason: reason})
}
func (h meshHandler) DialFailed(p protocol.PeerID, reason string) {
	h.tell(protocol.DialFailed{Peer: p, Reason: reason})
}
func (h meshHandler) Congested(p protocol.PeerID) { h.tell(protocol.Congested{Peer: p}) }
func (h meshHandler) Drained(p protocol.PeerID)   { h.tell(protocol.Drained{Peer: p}) }
func (h meshHandler) Dropped(p protocol.PeerID, class protocol.Class, tag any) {
	if e, ok := tag.(protocol.Send); ok {
		d := protocol.SendDropped{Peer: p, Topic: e.Topic, Object: e.Object, Class: class}
		if c, ok := e.Msg.(protocol.Carry); ok {
			d.Item = c.Item
		}
		h.tell(d)
	}
}
func (h meshHandler) Found(protocol.PeerID, []string) {}
func (h meshHandler) AddrsChanged()                   {}
