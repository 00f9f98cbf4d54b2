package lantest

import "github.com/quilt-p2p/quilt/protocol"

// shelf is what an endpoint has stored. Of items gone from it the IDs remain.
type shelf struct {
	known map[protocol.ItemID]bool
	items map[protocol.ItemID]*protocol.Item
	bySeq map[place]protocol.ItemID
	order []protocol.ItemID
}

// place is where an item stands in its author's order.
type place struct {
	topic  protocol.TopicID
	author protocol.PeerID
	seq    uint64
}

// shelved bounds the items kept: fifty endpoints share a small machine's memory.
const shelved = 16_384

func newShelf() *shelf {
	return &shelf{make(map[protocol.ItemID]bool), make(map[protocol.ItemID]*protocol.Item), make(map[place]protocol.ItemID), nil}
}

func (s *shelf) put(it *protocol.Item) {
	if s.known[it.ID] {
		return
	}
	s.known[it.ID], s.items[it.ID] = true, it
	s.bySeq[place{it.Topic, it.Author, it.Seq}] = it.ID
	if s.order = append(s.order, it.ID); len(s.order) > shelved {
		old := s.items[s.order[0]]
		delete(s.items, old.ID)
		delete(s.bySeq, place{old.Topic, old.Author, old.Seq})
		s.order = s.order[1:]
	}
}

// fetch sends stored items as repair.
func (e *endpoint) fetch(to protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, ids []protocol.ItemID) {
	for _, id := range ids {
		if it := e.shelf.items[id]; it != nil {
			e.send(to, topic, object, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
		}
	}
}

// fetchRange sends an author's.
func (e *endpoint) fetchRange(x protocol.FetchRange) {
	for seq, sent := x.First, 0; seq <= x.Last && sent < x.MaxBytes; seq++ {
		if it := e.shelf.items[e.shelf.bySeq[place{x.Topic, x.Author, seq}]]; it != nil {
			e.send(x.To, x.Topic, x.Object, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
			sent += len(it.Bytes)
		}
	}
}

// send sends over a link, where there are any.
func (e *endpoint) send(to protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, msg protocol.Message) {
	if e.mesh != nil {
		e.mesh.send(to, topic, object, msg)
	}
}
