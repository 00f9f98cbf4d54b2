package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// world is a topology of n hosts without NATs, with a gigabit each way.
func world(t *testing.T, n int) *topology.Topology {
	t.Helper()
	topo, err := topology.Named(fmt.Sprint("lognormal:", n), rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range topo.Hosts {
		h := &topo.Hosts[i]
		h.NAT, h.Up, h.Down = topology.NATNone, 1000, 1000
	}
	return topo
}

// linkedHosts adds n hosts and has each dial the next.
func linkedHosts(t *testing.T, cfg Config, n int) (*Network, []*Host) {
	t.Helper()
	cfg.Core.Linger = time.Hour // no group uses the links
	net := New(cfg)
	for range n {
		net.Add()
	}
	h := net.Hosts()
	for i := range n - 1 {
		h[i].dial(h[i+1].id)
		h[i].perform()
	}
	net.Run(300 * time.Millisecond)
	for i := range n - 1 {
		if h[i].links.get(int32(i+1)) == nil {
			t.Fatalf("hosts %d and %d are not linked", i, i+1)
		}
	}
	return net, h
}

// watch runs the network and shows every event before it happens.
func (n *Network) watch(until time.Duration, see func(e event)) {
	n.see = func(e *event) { see(*e) }
	defer func() { n.see = nil }()
	n.Run(until)
}

// probe is a message of a given length that no core knows.
type probe struct{ number, length int }

func (probe) Kind() uint8                { return 250 }
func (p probe) AppendTo(b []byte) []byte { return append(b, make([]byte, p.length)...) }

// probeFrame is a frame of one probe; its length is that of the probe and of
// probeHeader.
func probeFrame(number, length int) frame { return frame{msg: probe{number, length}} }

// probeHeader is no topic, object 0 and the kind.
const probeHeader = 3

// arrival is a probe that has come through the downlink.
type arrival struct {
	at     time.Duration
	number int
}

// probes runs the network and returns the probes that arrive at a host.
func (n *Network) probes(until time.Duration, at *Host) (got []arrival) {
	n.watch(until, func(e event) {
		if p, ok := e.frame.msg.(probe); ok && e.kind == evMessage && e.host == at.index {
			got = append(got, arrival{time.Duration(e.at), p.number})
		}
	})
	return got
}
