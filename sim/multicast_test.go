package sim

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

var (
	groupA = netip.MustParseAddrPort("239.1.2.3:4001")
	groupB = netip.MustParseAddrPort("[ff15::1]:4001")
)

// lan is a network of n hosts in one multicast domain, each with 1 Mbit/s up and a
// gigabit down, of which all have joined group A.
func lan(t *testing.T, n int, cfg Config) (*Network, []*Host) {
	t.Helper()
	topo := world(t, n)
	for i := range topo.Hosts {
		topo.Hosts[i].Multicast, topo.Hosts[i].Up = "lan", 1
	}
	cfg.Seed, cfg.Topology = 1, topo
	net := New(cfg)
	for range n {
		net.Add().effect(protocol.JoinGroup{NIC: hostNIC, Group: groupA})
	}
	net.Run(2 * detectionDelay)
	return net, net.Hosts()
}

// to is a probe to a group that takes 100 ms of the uplink.
func to(group netip.AddrPort, number int) protocol.Multicast {
	return protocol.Multicast{NIC: hostNIC, Group: group, Msg: probe{number, 12_500 - probeHeader}}
}

// hearing is one probe heard by one host.
type hearing struct {
	host, number int
	after        time.Duration
}

// hearings runs the network for ten seconds and returns who heard what when.
func hearings(net *Network) (list []hearing) {
	start := net.Now()
	net.watch(time.Duration(start)+10*time.Second, func(e event) {
		if p, ok := e.frame.msg.(probe); ok && e.kind == evHeard {
			list = append(list, hearing{int(e.host), p.number, e.at.Sub(start)})
		}
	})
	slices.SortStableFunc(list, func(a, b hearing) int { return a.host - b.host })
	return list
}

// hosts are who heard anything.
func hosts(list []hearing) (who []int) {
	for _, h := range list {
		who = append(who, h.host)
	}
	return slices.Compact(who)
}

// TestMulticastOnce: one send takes the uplink once, and counts once, and everybody
// but the sender hears it after its own latency; what is sent next waits for one.
func TestMulticastOnce(t *testing.T) {
	net, h := lan(t, 20, Config{})
	before := h[3].Sent
	h[3].effect(to(groupA, 1))
	h[3].effect(to(groupA, 2))
	if s := h[3].Sent; s.Frames != before.Frames+2 || s.Bytes != before.Bytes+25_000 || s.Copies != before.Copies {
		t.Errorf("sent %+v, before %+v", s, before)
	}
	list := hearings(net)
	if len(list) != 2*19 {
		t.Fatalf("%d hearings of 38", len(list))
	}
	for _, got := range list {
		want := time.Duration(got.number)*100*time.Millisecond + net.cfg.Topology.RTT(3, got.host)/2
		if got.host == 3 || got.after != want {
			t.Errorf("host %d hears %d after %v, want %v", got.host, got.number, got.after, want)
		}
	}
}

// TestMulticastDownlink: a listener's downlink takes its time, and nobody else's.
func TestMulticastDownlink(t *testing.T) {
	net, h := lan(t, 3, Config{})
	h[1].downMbps = 0.5
	h[0].effect(to(groupA, 1))
	for _, got := range hearings(net) {
		want := 100*time.Millisecond + net.cfg.Topology.RTT(0, got.host)/2
		if got.host == 1 {
			want += 100 * time.Millisecond
		}
		if got.after != want {
			t.Errorf("host %d hears it after %v, want %v", got.host, got.after, want)
		}
	}
}

// TestMulticastPayload: an item sent to a group is one transmission, a fragment too;
// what is not an item is none. All who hear it are counted as copies.
func TestMulticastPayload(t *testing.T) {
	net, h := lan(t, 5, Config{Codec: true})
	copied := 0
	net.cfg.Copied = func(from, to *Host, _ *protocol.Item) {
		if from != h[0] || to == h[0] {
			t.Errorf("a copy from host %d to host %d", from.index, to.index)
		}
		copied++
	}
	it := protocol.NewItem("news", h[0].id, 1, make([]byte, 1000))
	h[0].effect(protocol.Multicast{Group: groupA, Topic: it.Topic, Object: protocol.FirstPatchObject, Msg: protocol.Carry{Item: it}})
	if s := h[0].Sent; s.Copies != 1 || s.Payload != uint64(len(it.Bytes)) {
		t.Errorf("sent %+v", s)
	}
	hearings(net)
	if copied != 4 {
		t.Errorf("%d copies arrive", copied)
	}
	net.cfg.Codec = false
	h[0].effect(protocol.Multicast{Group: groupA, Msg: fragment{probe{1, 500}}})
	if s := h[0].Sent; s.Copies != 2 || s.Payload != uint64(len(it.Bytes))+500 {
		t.Errorf("sent %+v with a fragment", s)
	}
}

// fragment is a probe that is part of an item.
type fragment struct{ probe }

func (f fragment) PayloadLen() int { return f.length }

// TestMulticastLoss: each listener loses what it loses, within three standard errors;
// two lose the same no more often than by chance.
func TestMulticastLoss(t *testing.T) {
	const listeners, sends, loss = 50, 400, 0.2
	net, h := lan(t, listeners+1, Config{Loss: loss})
	for i := range sends {
		h[0].effect(protocol.Multicast{Group: groupA, Msg: probe{i, 1}})
	}
	list := hearings(net)
	check := func(what string, n, of int, p float64) {
		if got, off := float64(n)/float64(of), 3*math.Sqrt(p*(1-p)/float64(of)); math.Abs(got-p) > off {
			t.Errorf("%s: %.4f, want %.4f ± %.4f", what, got, p, off)
		}
	}
	check("heard", len(list), listeners*sends, 1-loss)
	by := make([]int, sends) // how many heard each
	got := make([][2]bool, sends)
	for _, x := range list {
		by[x.number]++
		if x.host <= 2 {
			got[x.number][x.host-1] = true
		}
	}
	both := 0
	for _, x := range got {
		if x[0] && x[1] {
			both++
		}
	}
	check("heard by hosts 1 and 2", both, sends, (1-loss)*(1-loss))
	if most := slices.Max(by); most == listeners && slices.Min(by) == 0 {
		t.Error("all or nobody hears")
	}
}

// TestWhoHears: those in the group, on the segment, alive, and not cut off.
func TestWhoHears(t *testing.T) {
	net, h := lan(t, 6, Config{})
	say := func(when string, want ...int) {
		t.Helper()
		h[0].effect(to(groupA, 1))
		if got := hosts(hearings(net)); !slices.Equal(got, want) {
			t.Errorf("%s: heard by %v, want %v", when, got, want)
		}
	}
	say("all", 1, 2, 3, 4, 5)
	h[1].effect(protocol.LeaveGroup{Group: groupA})
	h[1].effect(protocol.LeaveGroup{Group: groupA})
	say("one has left", 2, 3, 4, 5)
	h[1].effect(protocol.JoinGroup{Group: groupA})
	h[1].effect(protocol.JoinGroup{Group: groupA})
	say("and joined again", 1, 2, 3, 4, 5)
	h[2].effect(protocol.LeaveGroup{Group: groupA})
	h[2].effect(protocol.JoinGroup{Group: groupB})
	say("another group", 1, 3, 4, 5)
	h[3].Kill()
	say("one is dead", 1, 4, 5)
	net.Partition(func(a, b int) bool { return a+b == 4 })
	say("one is cut off", 1, 5)
	net.Partition(nil)
	h[0].effect(protocol.LeaveGroup{Group: groupA})
	say("the sender has left", 1, 4, 5)
	net.MulticastWorks("lan", false)
	sent := h[0].Sent.Bytes
	say("stopped")
	if h[0].Sent.Bytes < sent+12_500 {
		t.Error("a send on a stopped segment is not sent")
	}
	net.MulticastWorks("lan", true)
	say("again", 1, 4, 5)
	h[0].effect(to(groupA, 1))
	net.MulticastWorks("lan", false)
	if got := hosts(hearings(net)); !slices.Equal(got, []int{1, 4, 5}) {
		t.Errorf("what was under way when it stopped: heard by %v", got)
	}
}

// TestOtherDomains: another domain hears nothing, and where there is none a send goes
// nowhere.
func TestOtherDomains(t *testing.T) {
	topo := world(t, 4)
	for i, domain := range []string{"lan", "lan", "other", ""} {
		topo.Hosts[i].Multicast = domain
	}
	net := New(Config{Seed: 1, Topology: topo})
	for range 4 {
		net.Add().effect(protocol.JoinGroup{Group: groupA})
	}
	for i, want := range [][]int{{1}, {0}, nil, nil} {
		h := net.Hosts()[i]
		sent := h.Sent
		h.effect(to(groupA, 1))
		if got := hosts(hearings(net)); !slices.Equal(got, want) {
			t.Errorf("host %d is heard by %v, want %v", i, got, want)
		}
		if nowhere := h.Notes["sim.multicast-nowhere"]; nowhere > 0 != (i == 3) || i == 3 && h.Sent != sent {
			t.Errorf("host %d: %d sends went nowhere, sent %+v, before %+v", i, nowhere, h.Sent, sent)
		}
		h.effect(protocol.LeaveGroup{Group: groupB})
	}
	bare := New(Config{Seed: 1}).Add()
	bare.effect(protocol.JoinGroup{Group: groupA})
	if bare.effect(to(groupA, 1)); bare.Notes["sim.multicast-nowhere"] != 1 {
		t.Error("without a topology a send goes somewhere")
	}
	for _, domain := range []string{"", "typo"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("domain %q is stopped", domain)
				}
			}()
			net.MulticastWorks(domain, false)
		}()
	}
}

// listener is a machine that joins a group, sends its host's items there, and notes
// whom it hears.
type listener struct{ origins *[]protocol.Origin }

func (l listener) Handle(_ protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Start:
		out.Add(protocol.JoinGroup{NIC: hostNIC, Group: groupA})
	case protocol.Accepted:
		if in.From == "" {
			out.Multicast(hostNIC, groupA, protocol.Carry{Item: in.Item})
		}
	case protocol.Received:
		*l.origins = append(*l.origins, in.From)
	}
}
func (listener) Advance(protocol.Time, *protocol.Outbox) {}
func (listener) Deadline() protocol.Time                 { return protocol.Never }

// TestMulticastOfAPlugin: what a machine sends to a group, machines of others get
// through their cores, without any link, and with nothing proved about its sender.
func TestMulticastOfAPlugin(t *testing.T) {
	topo := world(t, 4)
	for i := range topo.Hosts {
		topo.Hosts[i].Multicast = "lan"
	}
	var origins []protocol.Origin
	net := New(Config{Seed: 1, Topology: topo, Codec: true, Plugin: &protocol.Plugin{
		Name: "listener", New: func(protocol.Env) protocol.Machine { return listener{&origins} },
	}})
	for range topo.Hosts {
		net.Add().Join("news", "")
	}
	net.Hosts()[0].Publish("news", []byte("to all"))
	net.Run(time.Second)
	want := protocol.Origin{Peer: net.Hosts()[0].id, NIC: hostNIC, Multicast: true}
	if len(origins) != 3 || origins[0] != want {
		t.Errorf("heard from %v", origins)
	}
}

// TestMulticastTrace: the same seed gives the same trace, and losses are part of it.
func TestMulticastTrace(t *testing.T) {
	run := func(topo *topology.Topology, seed uint64) string {
		net := New(Config{Seed: seed, Topology: topo, Loss: 0.5, Jitter: 0.5})
		for range topo.Hosts {
			net.Add().effect(protocol.JoinGroup{Group: groupA})
		}
		for i := range 20 {
			net.Hosts()[i%3].effect(to(groupA, i))
		}
		net.Run(20 * time.Second)
		return net.Trace()
	}
	topo := world(t, 10)
	for i := range topo.Hosts {
		topo.Hosts[i].Multicast = "lan"
	}
	first := run(topo, 1)
	if run(topo, 1) != first || run(topo, 2) == first {
		t.Error("the trace does not follow the seed")
	}
	unheard := func(number int) string {
		net := New(Config{Seed: 1, Topology: topo})
		net.Add().effect(protocol.Multicast{Group: groupA, Msg: probe{1, number}})
		return net.Trace()
	}
	if unheard(1) == unheard(2) {
		t.Error("what nobody hears is not in the trace")
	}
}
