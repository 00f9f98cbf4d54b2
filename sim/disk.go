package sim

import (
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

// shelf is every item that was published or stored anywhere, once for the whole
// network: a hundred thousand disks hold numbers.
type shelf struct {
	items []*protocol.Item
	byID  map[protocol.ItemID]int32
	bySeq map[position][]int32 // more than one where an author forked
}

// position is where an item stands in its author's order.
type position struct {
	topic  protocol.TopicID
	author protocol.PeerID
	seq    uint64
}

func newShelf() shelf {
	return shelf{byID: make(map[protocol.ItemID]int32), bySeq: make(map[position][]int32)}
}

// put returns the number of an item.
func (s *shelf) put(it *protocol.Item) int32 {
	if i, ok := s.byID[it.ID]; ok {
		return i
	}
	i := int32(len(s.items))
	s.items = append(s.items, it)
	s.byID[it.ID] = i
	at := position{it.Topic, it.Author, it.Seq}
	s.bySeq[at] = append(s.bySeq[at], i)
	return i
}

// disk is what a host holds of one topic, by numbers of the shelf.
type disk struct {
	shelf *shelf
	held  bits
	read  bits    // of held, delivered to readers
	order []int32 // as delivered
}

// put adds an item; it reports whether it is new.
func (d *disk) put(it *protocol.Item) bool { return d.held.set(d.shelf.put(it)) }

// get returns an item that is held, nil for none.
func (d *disk) get(id protocol.ItemID) *protocol.Item {
	if i, ok := d.shelf.byID[id]; ok && d.held.has(i) {
		return d.shelf.items[i]
	}
	return nil
}

// at returns what is held at a place of an author's order, nil for nothing.
func (d *disk) at(p position) *protocol.Item {
	for _, i := range d.shelf.bySeq[p] {
		if d.held.has(i) {
			return d.shelf.items[i]
		}
	}
	return nil
}

// deliver notes that readers get an item that is held; it reports whether for the
// first time.
func (d *disk) deliver(id protocol.ItemID) bool {
	i := d.shelf.byID[id]
	if !d.read.set(i) {
		return false
	}
	d.order = append(d.order, i)
	return true
}

// delivered returns the items delivered, in order.
func (d *disk) delivered() []*protocol.Item {
	items := make([]*protocol.Item, len(d.order))
	for k, i := range d.order {
		items[k] = d.shelf.items[i]
	}
	return items
}

// runs and keys say what an owned feed's and an open topic's repair find on the disk
// when the topic is joined.
func (d *disk) runs() (held []antientropy.Run) {
	for _, it := range d.delivered() {
		held = append(held, antientropy.Run{Range: antientropy.Range{First: it.Seq, Last: it.Seq}, Head: it.ID})
	}
	return held
}

func (d *disk) keys() (keys []antientropy.Key) {
	for _, it := range d.delivered() {
		keys = append(keys, antientropy.KeyOf(it))
	}
	return keys
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(i int32) bool { return int(i/64) < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// set adds a number; it reports whether it is new.
func (b *bits) set(i int32) bool {
	for int(i/64) >= len(*b) {
		*b = append(*b, 0)
	}
	w, m := &(*b)[i/64], uint64(1)<<(i%64)
	if *w&m != 0 {
		return false
	}
	*w |= m
	return true
}
