package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// euidOf is what a host publishes of its interface, which its core must have as well.
func euidOf(t *testing.T, h *Host) euid.EUID {
	t.Helper()
	e, err := euid.Parse(h.record().EUIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	nics := h.core.Explain(h.lane.now).NICs
	if len(nics) != 1 || nics[0].NIC != hostNIC || !bytes.Equal(nics[0].EUID, h.record().EUIDs[0]) {
		t.Fatalf("host %d publishes %v, its core has %v", h.index, e, nics)
	}
	return e
}

// TestDetection: what is in a host's row is what it publishes, as tags.
func TestDetection(t *testing.T) {
	topo := world(t, 3)
	topo.Hosts[0] = topology.Host{Name: "a", Cluster: "c", Addr: netip.MustParseAddr("193.51.0.1"), Resolver: "dns",
		Hops: []string{"sw", topology.Silent, "192.168.1.1", "p", "q", "beyond"}, Up: 5, Down: 50}
	topo.Hosts[1] = topology.Host{Name: "b", Cluster: "c", Addr: netip.MustParseAddr("2a01::1"), Resolver: "8.8.8.8",
		NAT: topology.NATFirewall, Up: 1, Down: 1}
	topo.Hosts[2] = topology.Host{Name: "c", Cluster: "c", Addr: netip.MustParseAddr("193.51.0.1"),
		NAT: topology.NATSymmetric, Up: 1, Down: 1}
	net := New(Config{Seed: 1, Topology: topo})
	want := []string{
		"udp4 public, tcp4 public, mapping none, filtering none, resolver X, hops X none private:X X X, prefix4 X, up 4 to 8 Mbit/s, down 32 to 64 Mbit/s",
		"udp6 punchable, tcp6 punchable, mapping none, filtering dependent, resolver anycast, prefix6 X, up 1 to 2 Mbit/s, down 1 to 2 Mbit/s",
		"udp4 unreachable, tcp4 unreachable, mapping dependent, filtering dependent, resolver none, prefix4 X, up 1 to 2 Mbit/s, down 1 to 2 Mbit/s",
	}
	for i := range want {
		e := euidOf(t, net.Add())
		text := e.String()
		for _, tag := range append(tagsOf(e), e.Prefix[:]...) {
			if tag != 0 {
				text = replaceTag(text, tag)
			}
		}
		if text != want[i] {
			t.Errorf("host %d: %s\nwant    %s", i, text, want[i])
		}
	}
	o := euid.Observation{Resolver: "dns"}
	if got := euidOf(t, net.Hosts()[0]).Resolver; got != o.EUID(euid.NetworkKey(""), euid.EUID{}).Resolver {
		t.Errorf("the resolver is %v under the key of the open network", got)
	}
}

func tagsOf(e euid.EUID) (tags []euid.Tag) {
	for _, a := range euid.Anchors(e) {
		tags = append(tags, a.Tag)
	}
	return tags
}

func replaceTag(text string, tag euid.Tag) string {
	return string(bytes.ReplaceAll([]byte(text), []byte(tag.String()), []byte("X")))
}

// TestDetectionIsBlind: neither the true region, nor the location, nor the round
// trips, nor the name reach what a host publishes.
func TestDetectionIsBlind(t *testing.T) {
	publish := func(topo *topology.Topology) (list []gossipmembership.Record) {
		net := New(Config{Seed: 1, Topology: topo})
		for range topo.Hosts {
			list = append(list, net.Add().record())
		}
		return list
	}
	draw := func(seed uint64) *topology.Topology {
		topo, err := topology.Named("lognormal:60", rand.New(rand.NewPCG(seed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return topo
	}
	topo, other := draw(1), draw(2)
	before := publish(topo)
	for i := range topo.Hosts { // the same rows in a network with other locations and round trips
		h := topo.Hosts[i]
		h.Name, h.Cluster, h.Location = fmt.Sprint("anon", i), "elsewhere", other.Hosts[i].Location
		other.Hosts[i] = h
	}
	after := publish(other)
	for i := range before {
		if !bytes.Equal(before[i].EUIDs[0], after[i].EUIDs[0]) || before[i].Addrs[0] != after[i].Addrs[0] {
			t.Fatalf("host %d publishes something else", i)
		}
	}
}

// TestDetectedLinks: what hosts publish of their NATs says who can have a direct link
// with whom, as the table of NATs does.
func TestDetectedLinks(t *testing.T) {
	topo := world(t, 4)
	net := New(Config{Seed: 1, Topology: topo})
	for i := range topo.Hosts {
		topo.Hosts[i].NAT = topology.NAT(i)
		net.Add()
	}
	for _, a := range net.Hosts() {
		for _, b := range net.Hosts() {
			want := topology.Linkable(topo.Hosts[a.place].NAT, topo.Hosts[b.place].NAT)
			if got := euid.Linkable(euidOf(t, a), euidOf(t, b)); got != want {
				t.Errorf("%v and %v: %v, want %v", topo.Hosts[a.place].NAT, topo.Hosts[b.place].NAT, got, want)
			}
		}
	}
}

// TestRegionsAreFound: on the built-in networks two hosts that share a router or a
// resolver are mostly of one region, and most pairs of one region share one.
func TestRegionsAreFound(t *testing.T) {
	for _, c := range []struct {
		name              string
		precision, recall float64 // at least
	}{
		// Tags of 12 bits bring strangers together by chance.
		{"lognormal:951", 0.5, 0.9},
		// Clusters of a site share its gateway.
		{"grid5000", 0.1, 1},
	} {
		topo, err := topology.Named(c.name, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		net := New(Config{Seed: 1, Topology: topo})
		var list []euid.EUID
		for range topo.Hosts {
			list = append(list, euidOf(t, net.Add()))
		}
		regional, found, both := 0, 0, 0
		for i, a := range list {
			for j, b := range list[:i] {
				near, same := euid.ClosenessOf(a, b) >= euid.SharedResolver, topo.Hosts[i].Cluster == topo.Hosts[j].Cluster
				if near {
					found++
				}
				if same {
					regional++
				}
				if near && same {
					both++
				}
			}
		}
		precision, recall := float64(both)/float64(found), float64(both)/float64(regional)
		t.Logf("%s: of %d pairs that share a router or a resolver %.3f are of one region; of %d of one region %.3f share one",
			c.name, found, precision, regional, recall)
		if precision < c.precision || recall < c.recall {
			t.Errorf("%s: precision %.3f, recall %.3f", c.name, precision, recall)
		}
	}
}

// TestAddresses: records name the address of the topology, and another port for each
// host behind one address; without a topology, the host's ID.
func TestAddresses(t *testing.T) {
	topo := world(t, 4)
	topo.Hosts[0].Addr = netip.MustParseAddr("22.0.0.1")
	topo.Hosts[1].Addr = netip.MustParseAddr("2a01::1")
	topo.Hosts[2].Addr = netip.MustParseAddr("::ffff:22.0.0.1")
	topo.Hosts[3].Addr = netip.MustParseAddr("22.0.0.1")
	net := New(Config{Seed: 1, Topology: topo})
	for i, want := range []string{"/ip4/22.0.0.1/udp/4001/quic-v1", "/ip6/2a01::1/udp/4001/quic-v1",
		"/ip4/22.0.0.1/udp/4002/quic-v1", "/ip4/22.0.0.1/udp/4003/quic-v1"} {
		r := net.Add().record()
		a, err := multiaddr.NewMultiaddrBytes([]byte(r.Addrs[0]))
		if err != nil || len(r.Addrs) != 1 || a.String() != want {
			t.Errorf("host %d is at %v, %v, want %s", i, a, err, want)
		}
	}
	net.ports[netip.MustParseAddr("22.0.0.1")] = 1<<16 - firstPort
	if net.address(netip.MustParseAddr("22.0.0.1")) != net.Hosts()[0].record().Addrs[0] {
		t.Error("behind the last port does not come the first")
	}
	r := New(Config{Seed: 1}).Add().record()
	if !slices.Equal(r.Addrs, []string{"sim-host-000000"}) || len(r.EUIDs) != 0 || r.Seq != 1 {
		t.Errorf("without a topology the record is %v", r)
	}
}

// TestSegmentIsHeard: a segment is published once a second living member is there,
// and no longer once it stops.
func TestSegmentIsHeard(t *testing.T) {
	topo := world(t, 5)
	for i := range 4 {
		topo.Hosts[i].Multicast = "lan"
	}
	topo.Hosts[4].Multicast = "another"
	net := New(Config{Seed: 1, Topology: topo})
	check := func(when string, want ...bool) {
		t.Helper()
		for i, h := range net.Hosts() {
			if got := euidOf(t, h).Segment != 0; h.alive && got != want[i] {
				t.Errorf("%s: host %d publishes a segment: %v", when, i, got)
			}
		}
	}
	pass := func() { net.Run(time.Duration(net.Now()) + 2*detectionDelay) }
	a := net.Add()
	pass()
	check("alone", false)
	a.Kill()
	b := net.Add()
	check("with a dead one", false, false)
	old := b.record()
	net.Add()
	check("at once", false, false, true)
	pass()
	check("two", false, true, true)
	if r := b.record(); r.Seq != old.Seq+1 || bytes.Equal(r.EUIDs[0], old.EUIDs[0]) {
		t.Errorf("record %v after %v", r, old)
	}
	if got, want := euidOf(t, b).Segment, euidOf(t, net.Hosts()[2]).Segment; got != want {
		t.Errorf("one segment has tags %v and %v", got, want)
	}
	net.Add()
	net.Add()
	pass()
	check("another domain", false, true, true, true, false)
	net.MulticastWorks("lan", false)
	pass()
	check("stopped", false, false, false, false, false)
	seq := b.record().Seq
	net.MulticastWorks("lan", false)
	pass()
	if b.record().Seq != seq {
		t.Error("a stop of what is stopped is news")
	}
	net.MulticastWorks("lan", true)
	pass()
	check("works again", false, true, true, true, false)
}

// TestRecordTravels: a record that has changed reaches who knows the host.
func TestRecordTravels(t *testing.T) {
	topo := world(t, 10)
	topo.Hosts[0].Multicast, topo.Hosts[9].Multicast = "lan", "lan"
	net := New(Config{Seed: 1, Topology: topo})
	for i := range 10 {
		h := net.Add()
		h.Join("news", "")
		if i > 0 {
			h.Contact(net.Hosts()[0])
		}
	}
	first := net.Hosts()[0]
	var newest uint64
	net.cfg.Watch = func(h *Host, e protocol.Effect) {
		if s, ok := e.(protocol.Send); ok && h != first {
			for _, r := range gossipmembership.RecordsIn(s.Msg) {
				if r.Peer == first.id {
					newest = max(newest, r.Seq)
				}
			}
		}
	}
	net.Run(10 * time.Minute)
	if first.record().Seq != 2 || newest != 2 {
		t.Errorf("the record has number %d, and others pass on %d", first.record().Seq, newest)
	}
}

// BenchmarkDetection prints what a host's record and EUID take.
func BenchmarkDetection(b *testing.B) {
	topo, err := topology.Named("lognormal:10000", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		b.Fatal(err)
	}
	net := New(Config{Seed: 1, Topology: topo})
	h := net.Add()
	b.ReportAllocs()
	length := 0
	for i := range b.N {
		h.place = int32(i % len(topo.Hosts))
		h.introduce()
		length += len(h.self.EUIDs[0])
	}
	b.ReportMetric(float64(length)/float64(b.N), "EUID-bytes/host")
}
