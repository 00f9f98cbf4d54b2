package scenario

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// meter keeps what is measured while a run goes on. What it does for each event is
// a look-up and a write.
type meter struct {
	world *world
	items []item
	byID  map[protocol.ItemID]int32
	seqs  map[int32]uint64 // by author: of its last item

	// By host, in the order in which they joined.
	place     []int32
	previous  []int32 // the host at the place before, -1 for none
	before    []int32 // how many were there before
	born      []protocol.Time
	died      []protocol.Time // Never for the living
	received  []int32         // copies of items, wanted or not
	adversary []bool

	copies, crossing uint64 // copies that reached honest hosts; from another location
	pieces           uint64 // bytes of pieces that reached honest hosts
	deliveries       uint64 // to honest hosts
	missing          int    // pairs still to be delivered, once draining

	idle, flow, flowEnd traffic
	sent                []sim.Sent // of each host when items began to flow
	frame               int        // bytes of an item's frame
}

// item is one item and who got it when.
type item struct {
	at     protocol.Time
	author int32 // its host
	seq    uint64
	// after is, by host, how long after its publication the item was delivered, in
	// µs: never for not at all. Hosts that joined later may be missing at the end.
	after []int32
}

// never marks a host that has not got an item; longest, in µs, is the longest that
// is told apart: 35 minutes.
const (
	never   = -1
	longest = math.MaxInt32
)

func newMeter(w *world) *meter {
	return &meter{world: w, byID: make(map[protocol.ItemID]int32), seqs: make(map[int32]uint64)}
}

// joined takes in a new host, and which was the last at its place, -1 for none.
func (m *meter) joined(now protocol.Time, place, last int32) {
	m.place = append(m.place, place)
	m.previous = append(m.previous, last)
	m.before = append(m.before, m.after(last))
	m.born = append(m.born, now)
	m.died = append(m.died, protocol.Never)
	m.received = append(m.received, 0)
	m.adversary = append(m.adversary, m.world.is(place, hostile))
}

// after is how many hosts were at a place where this was the last, -1 for none.
func (m *meter) after(last int32) int32 {
	if last < 0 {
		return 0
	}
	return m.before[last] + 1
}

// expect notes that a host is about to publish the next item.
func (m *meter) expect(now protocol.Time, author *sim.Host) {
	a := int32(author.Index())
	m.seqs[a]++
	it := item{at: now, author: a, seq: m.seqs[a], after: make([]int32, len(m.place))}
	for h := range it.after {
		it.after[h] = never
	}
	m.items = append(m.items, it)
}

// published notes which item i is.
func (m *meter) published(i int, it *protocol.Item) {
	m.byID[it.ID] = int32(i)
	m.frame = len(protocol.AppendFrame(nil, it.Topic, protocol.ObjectGossip, protocol.Carry{Item: it}))
}

// copied is told by the network of every copy that arrives.
func (m *meter) copied(from, to *sim.Host, _ *protocol.Item) {
	h := to.Index()
	m.received[h]++
	if m.adversary[h] {
		return
	}
	m.copies++
	hosts := m.world.topo.Hosts
	if hosts[from.Place()].Location != hosts[to.Place()].Location {
		m.crossing++
	}
}

// pieced is told by the network of every piece that arrives.
func (m *meter) pieced(_, to *sim.Host, bytes int) {
	if !m.adversary[to.Index()] {
		m.pieces += uint64(bytes)
	}
}

// deliver takes in a delivery. It reports whether the host has the item for the
// first time; authors do not count, nor do items that no publisher has published.
func (m *meter) deliver(now protocol.Time, h int32, id protocol.ItemID) bool {
	i, known := m.byID[id]
	if !known || m.items[i].author == h {
		return true
	}
	it := &m.items[i]
	for int(h) >= len(it.after) {
		it.after = append(it.after, never)
	}
	if it.after[h] != never {
		return false
	}
	it.after[h] = int32(min(int64(now.Sub(it.at)/time.Microsecond), longest))
	if !m.adversary[h] {
		m.deliveries++
		m.missing--
	}
	return true
}

// got returns after how many µs a host got an item.
func (it *item) got(h int32) (after int32, ok bool) {
	if int(h) >= len(it.after) || it.after[h] == never {
		return 0, false
	}
	return it.after[h], true
}

// survived reports whether a host is honest and alive.
func (m *meter) survived(h int32) bool { return m.died[h] == protocol.Never && !m.adversary[h] }

// vanished reports whether an item died with its author: no survivor has it.
func (m *meter) vanished(it *item) bool {
	if m.died[it.author] == protocol.Never {
		return false
	}
	for h := range m.place {
		if _, ok := it.got(int32(h)); ok && m.survived(int32(h)) {
			return false
		}
	}
	return true
}

// awaitRest counts what is still missing. From now on nobody dies or comes.
func (m *meter) awaitRest() {
	m.missing = 0
	for h := range m.place {
		if m.survived(int32(h)) {
			m.missing += m.lacks(int32(h))
		}
	}
}

// lacks counts the items that a host has not got.
func (m *meter) lacks(h int32) (n int) {
	for i := range m.items {
		if _, ok := m.items[i].got(h); !ok && m.items[i].author != h {
			n++
		}
	}
	return n
}

// traffic is what honest hosts have sent so far.
type traffic struct {
	at protocol.Time
	sim.Sent
}

func (m *meter) traffic(net *sim.Network) traffic {
	t := traffic{at: net.Now()}
	for i, h := range net.Hosts() {
		if m.adversary[i] {
			continue
		}
		t.Frames += h.Sent.Frames
		t.Bytes += h.Sent.Bytes
		t.Payload += h.Sent.Payload
		t.Copies += h.Sent.Copies
	}
	return t
}

// flows notes that items begin to flow.
func (m *meter) flows(net *sim.Network) {
	m.flow = m.traffic(net)
	for _, h := range net.Hosts() {
		m.sent = append(m.sent, h.Sent)
	}
	clear(m.received)
}

// control is bytes that are no payload, per host and second between two looks.
func (m *meter) control(from, to traffic) float64 {
	var alive time.Duration
	for h := range m.place {
		if !m.adversary[h] {
			alive += max(0, min(m.died[h], to.at).Sub(max(m.born[h], from.at)))
		}
	}
	if alive == 0 {
		return 0
	}
	return float64((to.Bytes-to.Payload)-(from.Bytes-from.Payload)) / alive.Seconds()
}
