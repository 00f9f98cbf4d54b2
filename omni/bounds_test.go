package omni

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

func name(i int) protocol.PeerID { return protocol.PeerID(fmt.Sprintf("peer%04d", i)) }

// The samples, refusals and grudges kept are bounded; what is oldest goes.
func TestTablesAreBounded(t *testing.T) {
	st := newSampleTable()
	var rf refusals
	var gr grudges
	for i := range 2 * MaxSamples {
		st.put(sample{Peer: name(i), at: protocol.Time(i)}, func([]sample) int { return 7 })
		rf.add(name(i), protocol.Time(i)+second)
		gr.add(protocol.Time(i), name(i))
	}
	if len(st.list) != MaxSamples || st.get(name(7)) != nil || st.get(name(0)) == nil || st.get(name(2*MaxSamples-1)) == nil {
		t.Errorf("%d samples, want %d, and that one makes room which is chosen", len(st.list), MaxSamples)
	}
	for i := range MaxWays + 10 {
		st.measure(name(i), ms)
	}
	if len(st.ways) != MaxWays || len(st.measured) != MaxWays || st.way(name(9)) != 0 || st.way(name(10)) != shorten(ms) || st.way(name(MaxWays+9)) != shorten(ms) {
		t.Errorf("%d ways are remembered, want the latest %d", len(st.ways), MaxWays)
	}
	if len(rf.list) != MaxRefusals || rf.has(0, name(0)) || !rf.has(0, name(2*MaxRefusals-1)) {
		t.Errorf("%d refusals, want the latest %d", len(rf.list), MaxRefusals)
	}
	if len(gr.list) != MaxGrudges || gr.ban(name(0)) != 0 || gr.ban(name(2*MaxSamples-1)) != banFirst {
		t.Errorf("%d grudges, want the latest %d", len(gr.list), MaxGrudges)
	}
	st.expire(protocol.Time(sampleLife) + 3*second)
	if len(st.list) != 0 {
		t.Errorf("%d samples are left when all are too old", len(st.list))
	}
}

// Items remembered and wanted are bounded.
func TestItemsAreBounded(t *testing.T) {
	rc, ws := newRecent(), newWants()
	for i := range MaxRecent + 10 {
		h := &held{at: protocol.Time(i)}
		h.id[0], h.id[1], h.id[2] = byte(i), byte(i>>8), byte(i>>16)
		rc.add(h)
	}
	if len(rc.byID) != MaxRecent || len(rc.order) != MaxRecent {
		t.Errorf("%d items remembered, want %d", len(rc.byID), MaxRecent)
	}
	for i := range MaxWants + 10 {
		if w := ws.add(Short(i), 0); (w == nil) != (i >= MaxWants) {
			t.Fatalf("want %d: %v", i, w)
		}
	}
}

// Peers, children, watchers and guests are bounded, whoever asks.
func TestPeersAreBounded(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000_000})
	for i := range MaxPeers + 20 {
		r.from(name(i), Watch{Mode: WatchOn})
		r.from(name(i), Watch{Mode: WatchAWhile})
		r.from(name(i), Join{Orphan: true, Feasible: maxLatency, Weight: 1, Value: 1, RTT: 20 * time.Millisecond})
	}
	watchers, guests := 0, 0
	for _, p := range r.m.peers.order {
		if p.watcher {
			watchers++
		}
		if p.guest > 0 {
			guests++
		}
	}
	p := r.m.Position()
	if watchers != MaxWatchers || guests != MaxGuests || len(p.Children) != p.DegreeBound || len(r.m.peers.order) > MaxPeers {
		t.Errorf("%d watchers, %d guests, %d children of %d, %d peers", watchers, guests, len(p.Children), p.DegreeBound, len(r.m.peers.order))
	}
}

// The degree follows the uplink and the flow, and a root has one child at least.
func TestDegreeBound(t *testing.T) {
	for _, tc := range []struct {
		rate int64 // bytes a second
		flow float64
		root bool
		want int
	}{
		{11_000 * 2 * 7, 11_000, false, 7},
		{11_000 * 2 * 7, 22_000, false, 3},
		{1000, 11_000, false, 0},
		{1000, 11_000, true, 1},
		{1 << 40, 11_000, false, 1_250_000 / 22_000}, // the uplink is unknown: 10 Mbit/s
	} {
		r := newRig(t, "self", map[bool]protocol.PeerID{true: "self"}[tc.root])
		r.m.flow.rate = tc.flow
		r.in(protocol.BudgetChanged{UploadRate: tc.rate})
		if got := r.m.Position().DegreeBound; got != tc.want {
			t.Errorf("%d bytes/s up, %v flowing, root %v: bound %d, want %d", tc.rate, tc.flow, tc.root, got, tc.want)
		}
	}
}

// Any sequence of messages leaves the machine within its bounds: rig checks after each.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add([]byte("a root, a child and a lie or two"))
	f.Fuzz(playScript)
}

// The same with scripts drawn at random.
func TestRandomScripts(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		script := make([]byte, 2+rng.IntN(200))
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		playScript(t, script)
	}
}

// playScript has a machine hear what two bytes each say.
func playScript(t *testing.T, script []byte) {
	r := newRig(t, "self", map[bool]protocol.PeerID{true: "self"}[len(script)%2 == 0])
	for i := 0; i+1 < len(script) && i < 400; i += 2 {
		p := name(int(script[i] >> 4))
		k, v := int(script[i]&15), uint64(script[i+1])
		s := at(name(int(v&3)), v>>2, time.Duration(v)*ms, name(int(v&15)))
		switch k {
		case 0:
			r.member(p)
		case 1:
			r.from(p, Offer{s})
		case 2:
			r.from(p, Beat{s})
		case 3:
			r.from(p, Accept{s})
		case 4:
			r.from(p, Refuse{Reason(v % uint64(numReasons)), s})
		case 5:
			r.from(p, Join{Orphan: v&1 == 0, Epoch: v, Feasible: time.Duration(v) * ms, Latency: time.Second, Weight: 1, Value: 1, RTT: ms})
		case 6:
			r.from(p, Leave{Reason(v % uint64(numReasons))})
		case 7:
			r.from(p, Digest{Late: v&1 == 0, Items: []Announcement{{Short(v), 10}}})
		case 8:
			r.push(p, item(p, v+1))
		case 9:
			r.from(p, Watch{Mode: WatchMode(v % uint64(numModes)), Last: r.m.recent.last() * Short(v>>8&1)})
		case 10:
			r.in(protocol.LinkDown{Peer: p})
		case 11:
			r.in(protocol.LinkSuspected{Peer: p})
		case 12:
			r.from(p, Samples{Root: v, Epoch: v, List: []Sample{{Peer: name(int(v)), Weight: 1, Reach: ReachPublic}}})
		case 13:
			r.from(p, Yield{})
		case 14:
			r.in(protocol.DialFailed{Peer: p})
		default:
			r.wait(time.Duration(v) * 20 * ms)
		}
	}
}

// A host with the best of uplinks has MaxChildren and no more.
func TestChildrenAreBounded(t *testing.T) {
	r := newRig(t, "author", "author")
	e := euid.EUID{Up: euid.RangeOf(10_000)}
	r.in(protocol.EUIDChanged{NIC: 1, EUID: e.Append(nil)})
	for i := range MaxChildren + 20 {
		r.from(name(i), Join{Orphan: true, Feasible: maxLatency, Weight: 1, Value: 1, RTT: 20 * time.Millisecond})
	}
	if p := r.m.Position(); len(p.Children) != MaxChildren || p.DegreeBound != MaxChildren {
		t.Errorf("%d children of %d, want %d", len(p.Children), p.DegreeBound, MaxChildren)
	}
}

// No more peers are remembered as holders of a wanted item than MaxAnnouncers.
func TestAnnouncersAreBounded(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	for i := range MaxAnnouncers + 5 {
		r.member(name(i))
		r.from(name(i), Digest{Items: []Announcement{{1, 10}}})
	}
	if w := r.m.wants.get(1); w == nil || len(w.from) != MaxAnnouncers {
		t.Errorf("want %+v, want %d announcers", w, MaxAnnouncers)
	}
}

// Below a path of MaxPath nobody stands, and none longer is decoded.
func TestPathsAreBounded(t *testing.T) {
	for _, above := range []int{MaxPath - 2, MaxPath - 1} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		s := at("root", 2, 50*ms)
		for i := range above {
			s.Path = append(s.Path, protocol.KeyOf(name(i)))
		}
		r.from("p", Beat{s})
		p := r.m.Position()
		if fits := above+1 < MaxPath; p.HasParent != fits || fits && p.Depth != above+1 {
			t.Errorf("a parent %d below the root: %+v", above, p)
		}
		body := Beat{s}.AppendTo(nil)
		if _, err := Decode(KindBeat, body); err != nil {
			t.Errorf("a path of %d: %v", above, err)
		}
	}
	s := at("root", 2, 50*ms)
	s.Path = make([]uint64, MaxPath+1)
	if _, err := Decode(KindBeat, Beat{s}.AppendTo(nil)); err == nil {
		t.Errorf("a path of %d is decoded", len(s.Path))
	}
}
