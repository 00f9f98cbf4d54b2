package optimum

import (
	"fmt"
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// MaxHosts bounds an instance: the table of delays then takes 128 MB.
const MaxHosts = 4096

// unlinked marks two hosts that cannot have a direct link.
const unlinked = int64(math.MaxInt64)

// Config is what an instance is made from, beside the topology.
type Config struct {
	// Root is the publisher, by index.
	Root int
	// Degree is how many children a host may have. Nil for [UplinkDegree].
	Degree func(*topology.Host) int
	// Size is the length of an item's payload in bytes. Default 1024.
	Size int
	// Processing is how long a host takes to verify an item before it passes it on.
	Processing time.Duration
	// InTurn has a host's copies leave its uplink one after another and pass the
	// receiver's downlink, as they do in the simulator; otherwise every copy takes one
	// serialisation at the uplink, as if it were alone.
	InTurn bool
	// Punched allows links that need a hole punch, where the punch works with Seed.
	Punched bool
	// Seed is the simulation's: it decides which punches work.
	Seed uint64
}

// Instance is one problem: a root, delays between all hosts, bounds of degree. It
// does not change once made; several searches may share it.
type Instance struct {
	n       int
	root    int32
	inTurn  bool
	degree  []int32
	serial  []int64 // ns that one copy takes at a host's uplink
	delay   []int64 // ns from the last bit sent to the item processed, or unlinked
	unicast []int64 // ns of a direct send from the root, whatever the NATs
}

// New makes an instance. It fails where there are too many hosts or no such root.
func New(t *topology.Topology, cfg Config) (*Instance, error) {
	n := len(t.Hosts)
	if n > MaxHosts {
		return nil, fmt.Errorf("topology %s has %d hosts: a search over all is possible up to %d", t.Name, n, MaxHosts)
	}
	if cfg.Root < 0 || cfg.Root >= n {
		return nil, fmt.Errorf("root %d: topology %s has hosts 0 to %d", cfg.Root, t.Name, n-1)
	}
	if cfg.Degree == nil {
		cfg.Degree = UplinkDegree
	}
	if cfg.Size == 0 {
		cfg.Size = 1024
	}
	in := &Instance{n: n, root: int32(cfg.Root), inTurn: cfg.InTurn, delay: make([]int64, n*n)}
	frame := FrameBytes(cfg.Size)
	for i := range t.Hosts {
		in.degree = append(in.degree, int32(cfg.Degree(&t.Hosts[i])))
		in.serial = append(in.serial, airtime(frame, t.Hosts[i].Up))
	}
	in.degree[in.root] = max(in.degree[in.root], 1)
	for a := range n {
		for b := range a {
			d := unlinked
			if cfg.linkable(t, a, b) {
				d = int64(t.RTT(a, b)/2 + cfg.Processing)
			}
			in.delay[a*n+b], in.delay[b*n+a] = d, d
			if cfg.InTurn && d != unlinked {
				in.delay[a*n+b] += downlink(frame, t.Hosts[a].Up, t.Hosts[b].Down)
				in.delay[b*n+a] += downlink(frame, t.Hosts[b].Up, t.Hosts[a].Down)
			}
		}
		in.unicast = append(in.unicast, int64(t.RTT(cfg.Root, a)/2+cfg.Processing)+in.serial[in.root])
	}
	in.unicast[in.root] = 0
	return in, nil
}

// linkable reports whether two hosts can have a link.
func (cfg *Config) linkable(t *topology.Topology, a, b int) bool {
	x, y := t.Hosts[a].NAT, t.Hosts[b].NAT
	if topology.Reaches(x, y) || topology.Reaches(y, x) {
		return true
	}
	return cfg.Punched && topology.Punches(x, y) && topology.PunchWorks(cfg.Seed, a, b)
}

// FrameBytes is how long the frame is that brings an item with so much payload.
func FrameBytes(payload int) int {
	it := protocol.NewItem("simulated", "sim-host-000000", 1, make([]byte, payload))
	return len(protocol.AppendFrame(nil, it.Topic, protocol.ObjectGossip, protocol.Carry{Item: it}))
}

// airtime is how many ns bytes take at a bandwidth in Mbit/s.
func airtime(bytes int, mbps float64) int64 { return int64(math.Round(float64(bytes) * 8000 / mbps)) }

// downlink is how many ns longer a frame takes than its sender's uplink because the
// receiver's downlink is slower: bits go through both at once.
func downlink(bytes int, up, down float64) int64 {
	return max(0, airtime(bytes, down)-airtime(bytes, up))
}

// Hosts is how many hosts there are.
func (in *Instance) Hosts() int { return in.n }

// hop is how long an item takes from one host to another that is its turn-th child,
// from 1, or unlinked.
func (in *Instance) hop(p, c int32, turn int) int64 {
	d := in.delay[int(p)*in.n+int(c)]
	if d == unlinked {
		return unlinked
	}
	if !in.inTurn {
		turn = 1
	}
	return d + int64(turn)*in.serial[p]
}

func (in *Instance) linked(a, b int32) bool { return in.delay[int(a)*in.n+int(b)] != unlinked }
