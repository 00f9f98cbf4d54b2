package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// concerns reports whether an input or effect has to do with an item.
func concerns(x any, id protocol.ItemID, number int, r *run) bool {
	switch x := x.(type) {
	case protocol.Received:
		return names(x.Msg, id)
	case protocol.Send:
		return names(x.Msg, id)
	case protocol.Multicast:
		return names(x.Msg, id)
	case protocol.SendDropped:
		return x.Item != nil && x.Item.ID == id
	case core.Published:
		return x.Item.ID == id
	case protocol.FetchAndSend:
		return slices.Contains(x.Items, id)
	case protocol.FetchRange:
		it := &r.meter.items[number]
		return x.Author == r.net.Hosts()[it.author].ID() && x.First <= it.seq && it.seq <= x.Last
	case protocol.Verify:
		return x.Item.ID == id
	case protocol.Store:
		return x.Item.ID == id
	case protocol.Deliver:
		return x.Item.ID == id
	case protocol.Event:
		return x.Item == id
	}
	return false
}

// names reports whether a message carries or names an item.
func names(m protocol.Message, id protocol.ItemID) bool {
	switch m := m.(type) {
	case protocol.Carry:
		return m.Item.ID == id
	case gossip.IHave:
		return slices.ContainsFunc(m.Items, func(a gossip.Announcement) bool { return a.ID == id })
	case gossip.Graft:
		return slices.Contains(m.Items, id)
	}
	return false
}

// input says what an input is.
func (t *tracer) input(in protocol.Input) string {
	switch in := in.(type) {
	case protocol.Received:
		return fmt.Sprintf("from %s: %s", t.peer(in.From.Peer), t.message(in.Object, in.Msg))
	case protocol.LinkUp:
		way := "it dialled"
		if in.Link.Outbound {
			way = "dialled"
		}
		return fmt.Sprintf("link to %s is up, %s, round trip %v", t.peer(in.Link.Peer), way, in.Link.RTT.Round(time.Microsecond))
	case protocol.LinkDown:
		return fmt.Sprintf("link to %s is gone: %s", t.peer(in.Peer), in.Reason)
	case protocol.DialFailed:
		return fmt.Sprintf("dial of %s failed: %s", t.peer(in.Peer), in.Reason)
	case protocol.Verified:
		return fmt.Sprintf("check %d is done: %s", in.Token, [...]string{"valid", "invalid", "known", "undecided"}[in.Verdict])
	case protocol.Stored:
		return fmt.Sprintf("write %d is done: %v", in.Token, in.OK)
	case protocol.Congested:
		return fmt.Sprintf("the queue towards %s is filling", t.peer(in.Peer))
	case protocol.Drained:
		return fmt.Sprintf("the queue towards %s has room again", t.peer(in.Peer))
	case protocol.SendDropped:
		if in.Item != nil {
			return fmt.Sprintf("%s was not sent to %s: no room, or too late", t.itemName(in.Item), t.peer(in.Peer))
		}
		return fmt.Sprintf("a message was not sent to %s: no room, or too late", t.peer(in.Peer))
	case core.Published:
		return "publishes " + t.itemName(in.Item)
	case core.Join:
		return "joins the topic"
	case core.Contacts:
		var peers []string
		for _, rec := range in.Records {
			peers = append(peers, t.peer(rec.Peer))
		}
		return "is told of " + strings.Join(peers, ", ")
	}
	return fmt.Sprintf("%T", in)
}

// effect says what an effect is.
func (t *tracer) effect(e protocol.Effect) string {
	switch e := e.(type) {
	case protocol.Send:
		return fmt.Sprintf("to %s: %s", t.peer(e.To), t.message(e.Object, e.Msg))
	case protocol.Multicast:
		return fmt.Sprintf("to the group %v: %s", e.Group, t.message(e.Object, e.Msg))
	case protocol.FetchAndSend:
		return fmt.Sprintf("to %s: %d items from the disk", t.peer(e.To), len(e.Items))
	case protocol.FetchRange:
		return fmt.Sprintf("to %s: entries %d to %d from the disk", t.peer(e.To), e.First, e.Last)
	case protocol.Verify:
		return fmt.Sprintf("check %d: is %s valid?", e.Token, t.itemName(e.Item))
	case protocol.Store:
		return fmt.Sprintf("write %d: %s, from %s", e.Token, t.itemName(e.Item), t.peer(e.From))
	case protocol.Deliver:
		return "delivers " + t.itemName(e.Item)
	case core.Dial:
		return "dials " + t.peer(e.Peer)
	case protocol.Close:
		return fmt.Sprintf("closes the link to %s: %s", t.peer(e.Peer), e.Reason)
	case protocol.Event:
		s := "notes " + e.Name
		if e.Peer != "" {
			s += " " + t.peer(e.Peer)
		}
		if e.Value != 0 {
			s += fmt.Sprintf(" (%d)", e.Value)
		}
		return s
	}
	return fmt.Sprintf("%T", e)
}

// message says what a message is: the types of other packages by name and length.
func (t *tracer) message(object protocol.ObjectID, m protocol.Message) string {
	switch m := m.(type) {
	case protocol.Carry:
		s := fmt.Sprintf("%s whole, after %d hops", t.itemName(m.Item), m.Hops)
		if m.Flags&protocol.FlagRepaired != 0 {
			s = t.itemName(m.Item) + " whole, as asked for"
		}
		if object == protocol.ObjectRepair {
			s += " (repair)"
		}
		return s
	case gossip.IHave:
		return fmt.Sprintf("gossip.IHave of %d items, lazy %v", len(m.Items), m.Lazy)
	case gossip.Graft:
		return fmt.Sprintf("gossip.Graft of %d items, once %v", len(m.Items), m.Once)
	}
	return fmt.Sprintf("%T, %d bytes", m, len(m.AppendTo(nil)))
}

// peer is the name of a host by its ID.
func (t *tracer) peer(id protocol.PeerID) string {
	if id == "" {
		return "itself"
	}
	return t.r.name(t.r.net.Hosts()[t.r.host(id)])
}

// itemName is what an item is called: "item 3" for the third that was published.
func (t *tracer) itemName(it *protocol.Item) string {
	if i, ok := t.r.meter.byID[it.ID]; ok {
		return fmt.Sprintf("item %d", i+1)
	}
	if i := len(t.r.meter.items); i > 0 && it.ID == t.id {
		return fmt.Sprintf("item %d", i)
	}
	return "item " + it.ID.String()
}
