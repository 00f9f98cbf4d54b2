package links

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"
)

// TestPunchBackoff: a pair that fails is left alone, longer each time, up to a bound;
// the tries of one series count once; a success forgets it all.
func TestPunchBackoff(t *testing.T) {
	var p punches
	const with = peer.ID("somebody")
	now := time.Now()
	if !p.may(now, with) {
		t.Fatal("not allowed at first")
	}
	for n := range 20 {
		p.fail(now, with)
		p.fail(now.Add(time.Second), with) // the second try of the series
		if !p.may(now.Add(2*time.Second), with) {
			t.Fatalf("series %d: the third try is not allowed", n)
		}
		wait := min(firstPunchRetry<<min(n, 20), maxPunchRetry)
		if p.may(now.Add(wait), with) {
			t.Fatalf("series %d: allowed within %v", n, wait)
		}
		now = now.Add(wait + time.Second)
		if !p.may(now, with) {
			t.Fatalf("series %d: not allowed after %v", n, wait)
		}
	}
	p.worked(with)
	p.fail(now, with)
	if p.may(now.Add(firstPunchRetry-time.Second), with) || !p.may(now.Add(firstPunchRetry+time.Second), with) {
		t.Error("after a success it does not begin anew")
	}
}

// TestPunchMemoryBound: the memory forgets who failed longest ago.
func TestPunchMemoryBound(t *testing.T) {
	var p punches
	now := time.Now()
	for i := range MaxPunchMemory + 1 {
		p.fail(now, peer.ID(fmt.Sprint(i)))
	}
	later := now.Add(punchSeries)
	if len(p.failed) != MaxPunchMemory || !p.may(later, "0") || p.may(later, "1") {
		t.Errorf("remembers %d, the oldest: %v, the second: %v", len(p.failed), !p.may(later, "0"), !p.may(later, "1"))
	}
}

// TestPunchCounts: what libp2p tells of punches is counted by outcome and passed on.
func TestPunchCounts(t *testing.T) {
	var told []Punch
	p := punches{done: func(r Punch) { told = append(told, r) }, network: func() network.Network { return nil }}
	tell := func(what any) { p.Trace(&holepunch.Event{Remote: "a", Evt: what}) }
	tell(&holepunch.DirectDialEvt{Success: false})
	tell(&holepunch.StartHolePunchEvt{RemoteAddrs: []string{"x"}})
	tell(&holepunch.EndHolePunchEvt{Success: false})
	tell(&holepunch.StartHolePunchEvt{RemoteAddrs: []string{"y"}})
	tell(&holepunch.EndHolePunchEvt{Success: true})
	tell(&holepunch.ProtocolErrorEvt{Error: "no address"})
	tell(&holepunch.DirectDialEvt{Success: true})
	want := PunchCounters{Tried: 2, Succeeded: 1, Failed: 1, Reversed: 1, Unready: 1}
	if got := p.counters(); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if len(told) != 2 || told[0].OK || told[0].Tried[0] != "x" || !told[1].OK || told[1].Tried[0] != "y" {
		t.Errorf("told %+v", told)
	}
	if len(p.failed) != 0 || len(p.tried) != 0 {
		t.Errorf("left behind: %v %v", p.failed, p.tried)
	}
}

// TestPunchable: only QUIC can be punched, at most four addresses, none of a peer with
// whom it failed lately, and no port that a NAT gives to one destination alone.
func TestPunchable(t *testing.T) {
	var m Manager
	p := &m.nat.punches
	var addrs []ma.Multiaddr
	for _, text := range []string{"/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/udp/1/quic-v1/webtransport", "/ip4/1.2.3.4/udp/1/quic-v1",
		"/ip4/1.2.3.4/udp/2/quic-v1", "/ip4/1.2.3.4/udp/3/quic-v1", "/ip4/1.2.3.4/udp/4/quic-v1", "/ip4/1.2.3.4/udp/5/quic-v1"} {
		addrs = append(addrs, ma.StringCast(text))
	}
	if got := p.FilterLocal("a", addrs); len(got) != maxPunchAddrs || !got[0].Equal(addrs[2]) {
		t.Errorf("local %v", got)
	}
	if got := p.FilterRemote("a", addrs); len(got) != maxPunchAddrs {
		t.Errorf("remote %v", got)
	}
	m.HidePorts(true)
	six := ma.StringCast("/ip6/2001:db8::1/udp/1/quic-v1")
	if got := p.FilterLocal("a", append(addrs, six)); len(got) != 1 || !got[0].Equal(six) {
		t.Errorf("offered where ports cannot be foretold: %v", got)
	}
	m.HidePorts(false)
	if got := p.FilterLocal("a", addrs); len(got) != maxPunchAddrs {
		t.Errorf("offered where they can be again: %v", got)
	}
	p.fail(time.Now().Add(-punchSeries), "a")
	if got := p.FilterLocal("a", addrs); len(got) != 0 {
		t.Errorf("offered after a failure: %v", got)
	}
}
