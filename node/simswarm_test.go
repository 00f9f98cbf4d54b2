package node

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// simSwarm is simulated peers.
type simSwarm struct {
	*sim.Network
	readers []*simReader // by host
}

// simReader reads as subscriptions do: the feed in its author's order.
type simReader struct {
	order   *feed.Sequencer
	entries map[uint64]string // of the feed
	got     []reading
}

// simJitter makes it a matter of luck which of two copies comes first that are under
// way for as long, as among real peers it is: the scheduler decides. Without it the
// same one is first every time, and the tree settles sooner than the real one does
// (our measurement, 20 seeds or runs: 20 hosts have a mean latency of 52 ms without
// and 62 ms with it; real ones have 63 ms).
const simJitter = 0.01

// newSimSwarm makes a simulated network without hosts.
func newSimSwarm(t *testing.T, p *plan) *simSwarm {
	s := &simSwarm{}
	s.Network = sim.New(sim.Config{
		Seed: 1, Codec: true, Topology: p.topology(t), Jitter: simJitter,
		Watch: func(h *sim.Host, e protocol.Effect) {
			if d, ok := e.(protocol.Deliver); ok {
				s.readers[h.Index()].deliver(s.Now(), d.Item)
			}
		},
	})
	return s
}

// topology is the plan's as the simulator wants it.
func (p *plan) topology(t *testing.T) *topology.Topology {
	hosts := "host,location,cluster,addr,dns,routers,nat,ipmc,up_mbps,down_mbps\n"
	matrix := ""
	for a := range p.contacts {
		hosts += fmt.Sprintf("h%d,%d,all,%v,,,none,,%d,%d\n", a, a, addrOf(a), p.mbps, p.mbps)
		var row []string
		for b := range p.contacts {
			row = append(row, fmt.Sprint(2*float64(p.latency(a, b))/float64(time.Millisecond)))
		}
		matrix += strings.Join(row, ",") + "\n"
	}
	topo, err := topology.Load(fstest.MapFS{
		"hosts.csv": {Data: []byte(hosts)},
		"rtt.csv":   {Data: []byte(matrix)},
		"topology.json": {Data: []byte(`{"name": "plan", "hosts": "hosts.csv", "rtt_ms": "rtt.csv",
			"same_cluster_rtt_ms": 0, "same_location_rtt_ms": 0}`)},
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

func (s *simSwarm) now() time.Duration { return time.Duration(s.Now()) }

func (s *simSwarm) pass(d time.Duration) { s.Run(s.now() + d) }

func (s *simSwarm) add(contact int) {
	h := s.Add()
	s.readers = append(s.readers, &simReader{order: feed.NewSequencer(1, DefaultPatience), entries: make(map[uint64]string)})
	h.Join(theFeed, s.Hosts()[planAuthor].ID())
	h.Join(theSquare, "")
	if h.Index() > 0 {
		h.Contact(s.Hosts()[contact])
	}
}

// deliver hands readers what a host has stored.
func (r *simReader) deliver(now protocol.Time, it *protocol.Item) {
	if it.TopicName == theSquare {
		r.got = append(r.got, reading{theSquare, string(it.Data), time.Duration(now)})
		return
	}
	r.entries[it.Seq] = string(it.Data)
	r.order.Have(now, it.Seq, it.Seq)
	for e, ok := r.order.Next(now); ok; e, ok = r.order.Next(now) {
		r.got = append(r.got, reading{theFeed, r.entries[e.First], time.Duration(now)})
	}
}

func (s *simSwarm) publish(host int, topic, text string) {
	s.Hosts()[host].Publish(topic, []byte(text))
}

func (s *simSwarm) kill(host int) { s.Hosts()[host].Kill() }

func (s *simSwarm) read(host int) []reading { return s.readers[host].got }

func (s *simSwarm) copies(host int) (sum uint64) {
	for _, t := range s.Hosts()[host].Core().Explain(s.Now()).Topics {
		sum += t.Stats.Received
	}
	return sum
}
