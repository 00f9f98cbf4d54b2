package sim

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// Config is what a network is made from.
type Config struct {
	// Seed determines everything that is drawn.
	Seed uint64
	// Topology, if set, is what the hosts live on: the i-th host added is its i-th.
	// It gives latencies, bandwidths, NATs, multicast domains and what detection sees,
	// and must not change during a run.
	// Without one every pair is Latency apart, bandwidth is infinite, and nobody is
	// behind a NAT.
	Topology *topology.Topology
	// Latency is the one-way delay of every message where there is no Topology.
	// Default 20 ms.
	Latency time.Duration
	// Jitter is how much longer a message may be under way, as a share of the
	// latency, 0 to 1, drawn uniformly for each. Messages of a link stay in order.
	Jitter float64
	// Processing is how long a host takes to verify an item before it passes it on,
	// one after another. Default 0.
	Processing time.Duration
	// Loss is the share of messages that never arrive, 0 to 1. Links of libp2p do
	// not lose messages; a simulated one may, to try the core harder.
	Loss float64
	// Lose, if set, says which objects' messages are all lost: to try one path
	// without another.
	Lose func(object protocol.ObjectID) bool
	// DialTimeout is how long a dial of a dead host, or of one behind a NAT that lets
	// it not through, takes to fail. Default 5 s.
	DialTimeout time.Duration
	// Lanes and Beside let several processors work on one run: hosts are dealt to Lanes,
	// and Beside does several things, each for the hosts of one lane, at the same time
	// and returns when all are done. The outcome and the trace are the same without it.
	// Delivered and Copied are then called somewhat later, with Now as it was. It is not
	// used where events must wait for one another: with Loss, Jitter, Lose, Watch, After,
	// multicast domains, adversaries, and two hosts at one place. What a Plugin makes
	// must have nothing in common with others that it has made.
	Lanes  int
	Beside func(do []func())
	// Codec has every message encoded and decoded on its way.
	Codec bool
	// Plugin, if set, takes gossip's place in every topic: the protocol to try.
	Plugin *protocol.Plugin
	// Core configures every host's core; Self and Plugin are filled in.
	Core core.Config
	// Delivered, if set, is told of every item that reaches a host's readers, its
	// author's own excepted; of a manifest when all that it names is here.
	Delivered func(h *Host, it *protocol.Item)
	// Copied, if set, is told of every copy of an item that arrives at a host,
	// wanted or not. The item is nil for a copy in fragments, of which the first counts.
	Copied func(from, to *Host, it *protocol.Item)
	// Pieced, if set, is told of every piece of something larger than an item that
	// arrives at a host, wanted or not, and its length in bytes.
	Pieced func(from, to *Host, bytes int)
	// Watch, if set, is shown every effect of every host's core: to follow one peer
	// or one item.
	Watch func(h *Host, e protocol.Effect)
	// After, if set, is called after every event with the host it happened to:
	// the place to check invariants.
	After func(h *Host)
}

// Network is a set of hosts in virtual time. Not for use by several goroutines.
type Network struct {
	cfg    Config
	now    protocol.Time
	queue  queue
	hosts  []*Host
	lanes  []*lane
	runs   []func()      // what each lane does within a window
	least  time.Duration // before which no host knows what another one did
	taken  bits          // places where there is a host
	alone  bool          // set once hosts have in common what no window keeps apart
	places []int32       // of the hosts: side by side, for every message asks for two
	links  *rand.Rand    // losses and jitter
	peers  *rand.Rand    // seeds of hosts
	shelf  shelf
	stock  stock
	trace  trace
	events uint64
	see    func(*event) // for tests: what is about to happen
	// ports counts the hosts with a public address, segments are the multicast
	// domains by name.
	ports    map[netip.Addr]uint32
	segments map[string]*segment
	// cut, if set, says whether messages between two hosts are lost: a partition.
	cut func(a, b int) bool
}

// New returns an empty network at time 0. It panics on a Config out of its bounds.
func New(cfg Config) *Network {
	cfg.check()
	if cfg.Latency == 0 {
		cfg.Latency = 20 * time.Millisecond
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 5 * time.Second
	}
	n := &Network{
		cfg:   cfg,
		links: rand.New(rand.NewPCG(cfg.Seed, 1)),
		peers: rand.New(rand.NewPCG(cfg.Seed, 2)),
		shelf: newShelf(),
		trace: trace{sum: sha256.New()},
		least: cfg.Latency,
	}
	if cfg.Topology != nil && cfg.Beside != nil {
		n.least = cfg.Topology.LeastRTT() / 2
	}
	for range max(1, cfg.Lanes) {
		l := &lane{net: n, trace: &n.trace}
		n.lanes, n.runs = append(n.lanes, l), append(n.runs, l.run)
	}
	return n
}

// check panics on what is out of bounds.
func (cfg *Config) check() {
	if !(cfg.Jitter >= 0 && cfg.Jitter <= 1) {
		panic(fmt.Sprintf("sim: Config.Jitter is %v, not a share from 0 to 1", cfg.Jitter))
	}
	if cfg.Processing < 0 {
		panic(fmt.Sprintf("sim: Config.Processing is %v, below 0", cfg.Processing))
	}
	if cfg.Topology != nil {
		if err := cfg.Topology.Validate(); err != nil {
			panic(fmt.Sprintf("sim: Config.Topology: %v", err))
		}
	}
}

// Now is the virtual time.
func (n *Network) Now() protocol.Time { return n.now }

// Events is how many events have happened.
func (n *Network) Events() uint64 { return n.events }

// Hosts returns all hosts in the order they were added.
func (n *Network) Hosts() []*Host { return n.hosts }

// Trace is the SHA-256 over all events so far: what happened to whom, when.
func (n *Network) Trace() string { return n.trace.String() }

// Partition cuts the network: messages and dials between hosts for which cut
// reports true are lost from now on. nil heals it.
func (n *Network) Partition(cut func(a, b int) bool) { n.cut = cut }

// Run lets everything happen that is due up to the given time since the start.
func (n *Network) Run(until time.Duration) {
	end := protocol.Time(until)
	for n.queue.len() > 0 && n.queue.next().at <= end {
		if long := n.beside(); long > 0 {
			n.runWindow(min(n.queue.next().at.Add(long), end+1))
		} else {
			n.step()
		}
	}
	n.passTo(max(n.now, end))
}

// passTo sets the clock.
func (n *Network) passTo(now protocol.Time) {
	n.now = now
	for _, l := range n.lanes {
		l.now = now
	}
}

// step lets the next event happen. The queue must not be empty.
func (n *Network) step() {
	next := n.queue.next()
	h := n.hosts[next.host]
	e := &h.lane.event // on the heap once, not once an event
	*e = n.queue.pop()
	n.passTo(e.at)
	if !h.lane.step(e) {
		return
	}
	n.events++
	if n.cfg.After != nil {
		n.cfg.After(h)
	}
}

// step lets an event happen to one of the lane's hosts; it reports whether there was
// anything to it.
func (l *lane) step(e *event) bool {
	h := l.net.hosts[e.host]
	if !h.alive {
		h.unanswered(e)
		return false
	}
	if e.kind == evWake && (e.at != h.wakeAt || h.sleepOn()) {
		return false
	}
	l.trace.event(e)
	h.happen(e)
	return true
}

// reachable reports whether a message between two hosts can arrive at all.
func (n *Network) reachable(a, b int32) bool { return n.cut == nil || !n.cut(int(a), int(b)) }
