package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Host is one simulated peer: a core, a disk that never fails, and counters.
type Host struct {
	net    *Network
	lane   *lane
	index  int32
	made   uint64 // of events, so far
	place  int32  // in the topology
	id     protocol.PeerID
	core   *core.Host
	play   protocol.Machine // what plays the host: core, or what is wrapped around it
	out    protocol.Outbox
	self   gossipmembership.Record
	alive  bool
	wakeAt protocol.Time
	links  linkTable
	disk   map[protocol.TopicID]*disk
	seqs   map[protocol.TopicID]uint64
	store  bool                      // writes succeed
	stored map[large.Hash]large.Bits // pieces of what is larger than an item; nil for none

	up     uplink
	budget int64 // bytes a second, 0 for none
	// When the downlink and the verifier are done with all they have.
	downFree, verified protocol.Time
	downMbps           float64

	// Sent counts what this host has sent.
	Sent Sent
	// Notes counts the events that its core reported, by name.
	Notes map[string]int
	// Receipts collects who says to have stored which of its items.
	Receipts map[protocol.ItemID][]protocol.PeerID
}

// Sent counts what a host has sent: encoded frames without transport overhead, what
// is sent to a multicast group once.
type Sent struct {
	Frames, Bytes uint64
	// Payload is the bytes of items among Bytes, Copies their number.
	Payload, Copies uint64
}

// Wrap makes the machine that plays a host instead of its honest core: an adversary
// has the core that it is given and falsifies what goes in and out. rng is its own.
type Wrap func(honest *core.Host, rng *rand.Rand) protocol.Machine

// Add adds an honest host and starts it. On a topology it is at the place of the
// same number, and Add panics where there is none.
func (n *Network) Add() *Host { return n.AddAt(len(n.hosts), nil) }

// AddAt adds a host at a place of the topology, where others may be already, and
// starts it; with wrap, that makes what plays it. Without a topology the place does
// not matter.
func (n *Network) AddAt(place int, wrap Wrap) *Host {
	i := int32(len(n.hosts))
	if t := n.cfg.Topology; t != nil && (place < 0 || place >= len(t.Hosts)) {
		panic(fmt.Sprintf("sim: host %d added at place %d, but topology %q has %d hosts", i, place, t.Name, len(t.Hosts)))
	}
	h := &Host{
		net: n, lane: n.laneOf(i), index: i, place: int32(place), alive: true, store: true, wakeAt: protocol.Never,
		id:       peerID(i),
		disk:     make(map[protocol.TopicID]*disk),
		seqs:     make(map[protocol.TopicID]uint64),
		Notes:    make(map[string]int),
		Receipts: make(map[protocol.ItemID][]protocol.PeerID),
	}
	cfg := n.cfg.Core
	cfg.Self, cfg.Plugin, cfg.Share = h.id, n.cfg.Plugin, h.share
	cfg.Large.Sum = n.stock.sum
	rng := rand.New(rand.NewPCG(n.peers.Uint64(), uint64(i)))
	h.core = core.New(cfg, rng)
	h.play = h.core
	if wrap != nil {
		n.alone = true // adversaries may be of one mind
		h.play = wrap(h.core, rng)
	}
	n.alone = !n.taken.set(h.place) && n.cfg.Topology != nil || n.alone
	n.hosts = append(n.hosts, h)
	n.places = append(n.places, h.place)
	if n.cfg.Topology != nil {
		h.up.mbps, h.downMbps = h.topo().Up, h.topo().Down
	}
	h.introduce()
	h.input(core.SelfRecord{Record: h.record()})
	h.input(protocol.Start{})
	h.tellEUID()
	return h
}

// peerID is the ID of the host with a number, which can be read off it.
func peerID(i int32) protocol.PeerID {
	return protocol.PeerID(fmt.Sprintf("%s%0*d", idPrefix, idDigits, i))
}

const (
	idPrefix = "sim-host-"
	idDigits = 6 // at least
)

// host returns the host with an ID, nil for none.
func (n *Network) host(id protocol.PeerID) *Host {
	i := n.indexOf(id)
	if i < 0 {
		return nil
	}
	return n.hosts[i]
}

// indexOf returns the number of the host with an ID, -1 for none, without a look at
// the host itself.
func (n *Network) indexOf(id protocol.PeerID) int32 {
	digits, ok := strings.CutPrefix(string(id), idPrefix)
	if !ok || len(digits) < idDigits || len(digits) > idDigits && digits[0] == '0' {
		return -1
	}
	i := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' || i >= len(n.hosts) {
			return -1
		}
		i = 10*i + int(c-'0')
	}
	if i >= len(n.hosts) {
		return -1
	}
	return int32(i)
}

// sameRecord reports whether two records are one: a copy shares its slices.
func sameRecord(a, b gossipmembership.Record) bool {
	return a.Peer == b.Peer && a.Seq == b.Seq && a.Caps == b.Caps &&
		sameSlice(a.Addrs, b.Addrs) && sameSlice(a.EUIDs, b.EUIDs) && sameSlice(a.Signature, b.Signature)
}

func sameSlice[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// record is the host's own record: the simulator leaves signatures out.
func (h *Host) record() gossipmembership.Record { return h.self }

// ID is the host's peer ID.
func (h *Host) ID() protocol.PeerID { return h.id }

// Index is the host's place in Network.Hosts.
func (h *Host) Index() int { return int(h.index) }

// Place is the host's index in the topology.
func (h *Host) Place() int { return int(h.place) }

// Linked reports whether this host has a link to another.
func (h *Host) Linked(other *Host) bool {
	return h.links.get(other.index) != nil
}

// Alive reports whether the host has not been killed.
func (h *Host) Alive() bool { return h.alive }

// Core returns the host's core, for a look inside.
func (h *Host) Core() *core.Host { return h.core }

// Contact tells the host of another, as a ticket does.
func (h *Host) Contact(other *Host) {
	h.input(core.Contacts{Records: []gossipmembership.Record{other.record()}})
}

// Join has the host take part in a topic; with an owner it is an owned feed.
// What it held when it left the topic it holds still.
func (h *Host) Join(name string, owner protocol.PeerID) {
	id := protocol.TopicOf(name)
	d := h.disk[id]
	if d == nil {
		d = &disk{shelf: &h.net.shelf}
		h.disk[id] = d
	}
	in := core.Join{Name: name, Owner: owner}
	if owner == "" {
		in.Keys = d.keys()
	} else {
		in.Held = d.runs()
	}
	h.input(in)
}

// Leave has the host leave a topic.
func (h *Host) Leave(name string) { h.input(core.Leave{Topic: protocol.TopicOf(name)}) }

// Publish publishes an item under the host's own ID and returns it.
func (h *Host) Publish(name string, data []byte) *protocol.Item {
	t := protocol.TopicOf(name)
	h.seqs[t]++
	it := protocol.NewItem(name, h.id, h.seqs[t], data)
	h.disk[t].put(it)
	h.input(core.Published{Item: it})
	return it
}

// AwaitReceipts asks who has stored an item.
func (h *Host) AwaitReceipts(it *protocol.Item, until protocol.Time) {
	h.input(core.AwaitReceipts{Topic: it.Topic, ID: it.ID, Until: until})
}

// Kill ends the host silently: nobody is told.
func (h *Host) Kill() { h.alive = false }

// Reset ends the host abruptly, but its machine's system closes the links: the
// other ends learn it, one trip later.
func (h *Host) Reset() {
	for _, l := range slices.Clone(h.links) {
		h.close(h.net.hosts[l.with].id)
	}
	h.alive = false
}

// Stop ends the host in good order: its neighbours are told.
func (h *Host) Stop() {
	h.input(protocol.Stop{})
	h.alive = false
}

// FullDisk makes every write fail, or succeed again.
func (h *Host) FullDisk(full bool) { h.store = !full }

// Holds reports whether the host's disk holds an item.
func (h *Host) Holds(it *protocol.Item) bool {
	d := h.disk[it.Topic]
	return d != nil && d.get(it.ID) != nil
}

// Delivered returns the items delivered to readers of a topic, in order.
func (h *Host) Delivered(name string) []*protocol.Item {
	if d := h.disk[protocol.TopicOf(name)]; d != nil {
		return d.delivered()
	}
	return nil
}

// input gives the core an input now.
func (h *Host) input(in protocol.Input) {
	h.play.Handle(h.lane.now, in, &h.out)
	h.perform()
}

// happen gives the core what an event means.
func (h *Host) happen(e *event) {
	n := h.net
	if n.see != nil {
		n.see(e)
	}
	switch e.kind {
	case evWake:
		h.play.Advance(h.lane.now, &h.out)
	case evInput:
		h.play.Handle(h.lane.now, e.input, &h.out)
	case evMessage:
		if !h.carries(e) {
			return
		}
		if c, ok := e.frame.msg.(protocol.Carry); ok && n.cfg.Copied != nil {
			h.tell(told{from: n.hosts[e.from], h: h, item: c.Item})
		}
		if p, ok := e.frame.msg.(swarm.Piece); ok && n.cfg.Pieced != nil {
			h.tell(told{from: n.hosts[e.from], h: h, bytes: len(p.Bytes)})
		}
		h.play.Handle(h.lane.now, protocol.Received{
			From:  protocol.Origin{Peer: n.hosts[e.from].id, Authenticated: true},
			Topic: e.frame.topic, Object: e.frame.object, Msg: e.frame.msg, At: h.lane.now,
		}, &h.out)
	case evArrive:
		h.downlink(e)
		return
	case evUplink:
		h.nextFrame()
		return
	case evHeard:
		h.heard(e)
	case evDetect:
		h.redetect()
	case evDialled:
		h.dialled(e)
	case evLinkUp:
		h.linked(e.from, e.gen, true)
	case evLinkGone:
		if h.carries(e) {
			h.links.remove(e.from)
			h.play.Handle(h.lane.now, protocol.LinkDown{Peer: n.hosts[e.from].id, Reason: "closed by peer"}, &h.out)
		}
	}
	h.perform()
}
