package ipmc

import (
	"bytes"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// wire is a LAN of machines in virtual time. Every message is encoded and decoded on
// its way. An item is valid unless its data says "forged"; who knows a peer's name can
// sign for it only by sign.
type wire struct {
	t     *testing.T
	rng   *rand.Rand
	now   protocol.Time
	hosts []*station
	queue packets
	seq   int
	delay time.Duration
	// jitter is how seldom the slowest hosts look at what has come; others look up to
	// seven times as often.
	jitter time.Duration
	// lose says whether a multicast packet is lost on its way to a host.
	lose func(from, to *station, m protocol.Message) bool
	// seen is told of every multicast packet that is sent.
	seen func(from *station, m protocol.Message)
	// links joins all hosts by links too.
	links bool
}

// station is a host: a machine and what surrounds it.
type station struct {
	*Machine
	wire   *wire
	id     protocol.PeerID
	addr   netip.Addr
	out    protocol.Outbox
	have   map[protocol.ItemID]*protocol.Item
	order  []protocol.ItemID
	seq    uint64
	health []protocol.Health
	notes  map[string]int
	sent   int
	dead   bool
	full   bool // there is no room for items
}

var (
	topicName = "news"
	topicID   = protocol.TopicOf(topicName)
)

func newWire(t *testing.T, n int, seed uint64, change func(*Config)) *wire {
	t.Helper()
	w := &wire{t: t, rng: rand.New(rand.NewPCG(seed, 7)), delay: 200 * time.Microsecond}
	for range n {
		w.add(change)
	}
	return w
}

func (w *wire) add(change func(*Config)) *station {
	i := len(w.hosts)
	id := protocol.PeerID(fmt.Sprintf("peer-%02d", i))
	cfg := Options{NICs: []protocol.NIC{1}}.Config(id, topicName)
	cfg.Sign = func(b []byte) []byte { return sign(id, b) }
	cfg.Verify = func(p protocol.PeerID, b, sig []byte) bool { return bytes.Equal(sig, sign(p, b)) }
	if change != nil {
		change(&cfg)
	}
	h := &station{Machine: New(cfg, rand.New(rand.NewPCG(w.rng.Uint64(), uint64(i)))), wire: w, id: id,
		addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), have: make(map[protocol.ItemID]*protocol.Item), notes: make(map[string]int)}
	w.hosts = append(w.hosts, h)
	h.input(protocol.Start{})
	if w.links {
		for _, o := range w.hosts[:i] {
			o.input(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: id}}})
			h.input(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: o.id}}})
		}
	}
	return h
}

// sign is a signature of 64 bytes that is easy to check.
func sign(p protocol.PeerID, b []byte) []byte {
	h := hashOf(append([]byte(p), b...))
	return bytes.Repeat(h[:], 4)
}

func (h *station) input(in protocol.Input) {
	h.Handle(h.wire.now, in, &h.out)
	h.perform()
}

func (h *station) perform() {
	for h.out.Len() > 0 {
		for _, e := range append([]protocol.Effect(nil), h.out.Take()...) {
			h.effect(e)
		}
	}
}

func (h *station) effect(e protocol.Effect) {
	w := h.wire
	switch e := e.(type) {
	case protocol.Multicast:
		h.sent++
		if w.seen != nil {
			w.seen(h, e.Msg)
		}
		for _, to := range w.hosts {
			if to != h && !to.dead && (w.lose == nil || !w.lose(h, to, e.Msg)) {
				w.send(to, protocol.Origin{Peer: h.id, NIC: 1, Addr: h.addr, Multicast: true}, e.Msg)
			}
		}
	case protocol.Send:
		w.send(w.host(e.To), protocol.Origin{Peer: h.id, Authenticated: true}, e.Msg)
	case protocol.FetchAndSend:
		for _, id := range e.Items {
			if it := h.have[id]; it != nil {
				w.send(w.host(e.To), protocol.Origin{Peer: h.id, Authenticated: true}, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
			}
		}
	case protocol.Arrive:
		h.arrive(e)
	case protocol.Health:
		h.health = append(h.health, e)
	case protocol.Event:
		h.notes[e.Name]++
	}
}

func (h *station) arrive(e protocol.Arrive) {
	id := e.Item.ID
	switch {
	case h.full:
		h.input(protocol.Rejected{ID: id, From: e.From, Retry: true})
	case h.have[id] != nil:
		h.input(protocol.Duplicate{ID: id, From: e.From})
	case bytes.HasPrefix(e.Item.Data, []byte("forged")):
		h.input(protocol.Rejected{ID: id, From: e.From})
	default:
		h.have[id] = e.Item
		h.order = append(h.order, id)
		h.input(protocol.Accepted{Item: e.Item, From: e.From, Via: protocol.FirstPatchObject, Repaired: e.Repaired})
	}
}

// publish publishes an item with so many bytes of data.
func (h *station) publish(size int) *protocol.Item {
	h.seq++
	data := make([]byte, size)
	copy(data, fmt.Sprint(h.id, h.seq))
	it := protocol.NewItem(topicName, h.id, h.seq, data)
	h.have[it.ID] = it
	h.order = append(h.order, it.ID)
	h.input(protocol.Accepted{Item: it})
	return it
}

func (w *wire) host(id protocol.PeerID) *station {
	for _, h := range w.hosts {
		if h.id == id {
			return h
		}
	}
	return nil
}

// send has a message arrive after the delay, and up to a tenth of it more.
func (w *wire) send(to *station, from protocol.Origin, m protocol.Message) {
	if to == nil || to.dead {
		return
	}
	w.seq++
	at := w.now.Add(w.delay + time.Duration(w.rng.Int64N(int64(w.delay)/10+1)))
	if w.jitter > 0 {
		// A host that is scheduled now and then finds all that came meanwhile.
		turn := protocol.Time(w.jitter) * protocol.Time(1+to.addr.As4()[3]%7) / 7
		at = (at/turn + 1) * turn
	}
	heap.Push(&w.queue, packet{at, w.seq, to, from, m.Kind(), m.AppendTo(nil)})
}

// run lets so much time pass.
func (w *wire) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		next, h := end, (*station)(nil)
		for _, o := range w.hosts {
			if at := o.Deadline(); !o.dead && at < next {
				next, h = at, o
			}
		}
		if len(w.queue) > 0 && w.queue[0].at <= next {
			p := heap.Pop(&w.queue).(packet)
			w.now = max(w.now, p.at)
			if !p.to.dead {
				p.to.input(protocol.Received{From: p.from, Topic: topicID, Object: protocol.FirstPatchObject, Msg: w.decode(p.kind, p.body), At: w.now})
				p.to.check(w.t)
			}
			continue
		}
		if h == nil {
			break
		}
		w.now = max(w.now, next)
		h.Advance(w.now, &h.out)
		h.perform()
		h.check(w.t)
		if h.Deadline() <= w.now {
			w.t.Fatalf("%v: %s wants to be woken again at once", w.now, h.id)
		}
	}
	w.now = end
}

func (w *wire) decode(kind uint8, body []byte) protocol.Message {
	if kind == protocol.KindCarry {
		c, err := protocol.DecodeCarry(body)
		if err != nil {
			w.t.Fatal(err)
		}
		return c
	}
	m, err := Decode(kind, body)
	if err != nil {
		w.t.Fatalf("kind %d does not decode: %v: %x", kind, err, body)
	}
	return m
}

// check checks what must always hold.
func (h *station) check(t *testing.T) {
	m := h.Machine
	holes, open := 0, 0
	for _, s := range m.order {
		holes += len(s.holes)
		if s.top+1-s.low > MaxWindow || uint64(len(s.ring)) > MaxWindow {
			t.Fatalf("%s remembers %d positions", h.id, s.top+1-s.low)
		}
		for _, seq := range s.holes {
			hole := s.hole(seq)
			if hole == nil {
				t.Fatalf("%s: no hole at %d of %d to %d", h.id, seq, s.low, s.top)
			}
			if hole.a != nil {
				open += hole.a.bytes
			}
		}
	}
	if holes != m.holes || open != m.open || holes > MaxHoles || open > MaxOpenBytes+maxUnit {
		t.Fatalf("%s counts %d holes, %d bytes; there are %d, %d", h.id, m.holes, m.open, holes, open)
	}
	if len(m.order) > MaxStreams || len(m.sources.list) > MaxSources || len(m.repairs.list) > MaxRepairs ||
		len(m.beacons.peers) > MaxPeers || len(m.held.list) > MaxHeld || m.held.bytes > MaxHeldBytes ||
		len(m.sending.fresh) > MaxQueue || m.sending.bytes > MaxQueueBytes || len(m.handed) > MaxHanded+MaxFills {
		t.Fatalf("%s exceeds a bound", h.id)
	}
	for _, s := range m.sources.list {
		if len(s.unlisted) > MaxUnlisted || s.handed < 0 || s.handed > MaxHandedPerSource {
			t.Fatalf("%s keeps %d fragments of a source, and %d items", h.id, len(s.unlisted), s.handed)
		}
	}
}

// lacking counts the items published by some that others do not have.
func (w *wire) lacking() (n int) {
	for _, h := range w.hosts {
		for _, o := range w.hosts {
			for id, it := range h.have { //tidy:orderless a count
				if it.Author == h.id && o.have[id] == nil && !o.dead {
					n++
				}
			}
		}
	}
	return n
}

// packets are on their way, in order of their arrival.
type packet struct {
	at   protocol.Time
	seq  int
	to   *station
	from protocol.Origin
	kind uint8
	body []byte
}

type packets []packet

func (p packets) Len() int { return len(p) }
func (p packets) Less(i, j int) bool {
	return p[i].at < p[j].at || p[i].at == p[j].at && p[i].seq < p[j].seq
}
func (p packets) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)   { *p = append(*p, x.(packet)) }
func (p *packets) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}
