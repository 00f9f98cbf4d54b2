package detect

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// mirror is judges who say where they see a host, and are never connected with it.
type mirror struct {
	others []Judge
	mu     sync.Mutex
	seen   func(k int) string // what the k-th sees, "" for no answer
	looks  []time.Time
	missed int
	calls  bool // who is asked to call gets through
}

// newMirror has so many, each of another site.
func newMirror(n int, seen func(k int) string) *mirror {
	m := &mirror{seen: seen}
	for k := range n {
		m.others = append(m.others, Judge{Peer: peer.ID(fmt.Sprint("mirror", k)), Addr: netip.AddrFrom4([4]byte{22, 8, byte(k), 1}),
			Visit: multiaddrs(fmt.Sprintf("/ip4/22.8.%d.1/udp/4001/quic-v1", k)), Sure: true})
	}
	return m
}

func (m *mirror) Connected() []Judge { return nil }

func (m *mirror) Others(f euid.Family) []Judge {
	if f != euid.IPv4 {
		return nil
	}
	return m.others
}

func (m *mirror) Ask(context.Context, Judge, ma.Multiaddr) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls, nil
}

func (m *mirror) Look(ctx context.Context, j Judge) (Seen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks = append(m.looks, time.Now())
	var k int
	_, _ = fmt.Sscanf(string(j.Peer), "mirror%d", &k)
	at := m.seen(k)
	if at == "" {
		m.missed++
		return Seen{}, errNothingSeen
	}
	return Seen{Peer: j.Peer, Local: ma.StringCast("/ip4/0.0.0.0/udp/4001/quic-v1"), Remote: j.Visit[0], Seen: ma.StringCast(at)}, nil
}

func (m *mirror) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.looks)
}

// change has the mirrors see something else.
func (m *mirror) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func home() *fake {
	i := ifc("192.168.1.7/24")
	i.Default[euid.IPv4] = true
	return newFake(i)
}

// TestSurvey: where no connection says what the NAT does, peers are asked, as many as it
// takes; those who do not answer are replaced by others; and what comes of it is soon
// told. Then they are left alone.
func TestSurvey(t *testing.T) {
	for _, tt := range []struct {
		name string
		seen func(k int) string
		want euid.Mapping
		asks int
	}{
		{"cone", func(int) string { return "/ip4/22.0.0.1/udp/4001/quic-v1" }, euid.MappingIndependent, 3},
		{"symmetric", func(k int) string { return fmt.Sprintf("/ip4/22.0.0.1/udp/%d/quic-v1", 5000+k) }, euid.MappingDependent, 3},
		{"three of six do not answer", func(k int) string {
			if k%2 == 0 {
				return ""
			}
			return "/ip4/22.0.0.1/udp/4001/quic-v1"
		}, euid.MappingIndependent, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMirror(6, tt.seen)
				r := start(t, home(), func(c *Config) { c.Judges = m })
				defer r.end()
				r.want("what the NAT does", 5*time.Second, func(c Change) bool { return c.Observation.Mapping == tt.want })
				if n := m.count(); n > tt.asks {
					t.Errorf("%d were asked, not %d", n, tt.asks)
				}
				before := m.count()
				time.Sleep(5 * time.Minute)
				if n := m.count(); n != before {
					t.Errorf("%d were asked though all was known", n-before)
				}
			})
		})
	}
}

// TestSurveyGoesOn: while nobody answers others are asked again, more seldom each time,
// and for good: the first who answer are told soon.
func TestSurveyGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := true
		m := newMirror(9, func(int) string {
			if silent {
				return ""
			}
			return "/ip4/22.0.0.1/udp/4001/quic-v1"
		})
		r := start(t, home(), func(c *Config) { c.Judges = m })
		defer r.end()
		time.Sleep(time.Minute)
		first := m.count()
		time.Sleep(time.Hour)
		if n := m.count() - first; first < 3*maxSurveyed || n < 10*maxSurveyed || n > 15*maxSurveyed {
			t.Errorf("%d were asked in the first minute, and %d in an hour after it", first, n)
		}
		m.change(func() { silent = false })
		r.want("what the NAT does", maxSurveyPause+time.Minute, func(c Change) bool { return c.Observation.Mapping == euid.MappingIndependent })
	})
}

// TestSurveyChecks: now and then one is asked whether all is as it was; one that says
// otherwise is not believed, and others who agree with it are.
func TestSurveyChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, liar := "/ip4/22.0.0.1/udp/4001/quic-v1", -1
		m := newMirror(6, func(k int) string {
			if k == liar {
				return "/ip4/22.6.6.6/udp/4001/quic-v1"
			}
			return at
		})
		r := start(t, home(), func(c *Config) { c.Judges = m })
		defer r.end()
		is := func(addr string) func(Change) bool {
			return func(c Change) bool { return c.Observation.Public[euid.IPv4] == netip.MustParseAddr(addr) }
		}
		r.want("where it is seen", 5*time.Second, is("22.0.0.1"))
		for k := range 6 {
			m.change(func() { liar = k })
			time.Sleep(2 * checkEvery)
		}
		if c := r.Snapshot().NICs[0]; !is("22.0.0.1")(c) {
			t.Errorf("one liar was believed: %v", c.Observation.Public)
		}
		m.change(func() { liar, at = -1, "/ip4/22.0.0.2/udp/4001/quic-v1" })
		r.want("its router's new address", 2*checkEvery, is("22.0.0.2"))
		// A connection that ends is a sign.
		m.change(func() { at = "/ip4/22.0.0.3/udp/4001/quic-v1" })
		time.Sleep(checkRest)
		r.emit(event.EvtPeerConnectednessChanged{Peer: "x", Connectedness: network.NotConnected})
		r.want("another, soon", checkAfter+time.Second, is("22.0.0.3"))
		m.change(func() { at = "/ip4/22.0.0.2/udp/4001/quic-v1" })
		r.want("the last once more", 2*checkEvery, is("22.0.0.2"))
		for range 20 {
			time.Sleep(checkEvery)
			if c := r.Snapshot().NICs[0]; !is("22.0.0.2")(c) {
				t.Fatalf("forgotten: %v", c.Observation.Public)
			}
		}
	})
}

// TestTurns: one peer is called on by one at a time, and who has no more time does not
// wait for his turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns turns
		done, err := turns.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if other, err := turns.take(t.Context(), "b"); err != nil {
			t.Error(err)
		} else {
			other()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := turns.take(ctx, "a"); err == nil {
			t.Error("two have a turn")
		}
		got := make(chan func())
		go func() {
			next, _ := turns.take(t.Context(), "a")
			got <- next
		}()
		synctest.Wait()
		done()
		(<-got)()
		if len(turns.taken) != 0 {
			t.Errorf("%d turns are remembered", len(turns.taken))
		}
	})
}

// lateMapper maps a port to itself, from some time on.
type lateMapper struct{ from time.Time }

func (m lateMapper) HasDiscoveredNAT() bool { return !time.Now().Before(m.from) }

func (m lateMapper) GetMapping(a ma.Multiaddr) ma.Multiaddr {
	if _, err := a.ValueForProtocol(ma.P_UDP); err != nil || !m.HasDiscoveredNAT() {
		return nil
	}
	return ma.StringCast("/ip4/22.0.0.1/udp/4001/quic-v1")
}

// TestMappedLater: that nobody could call a port says nothing any more once the router
// maps it, though it is the same port.
func TestMappedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMirror(6, func(int) string { return "/ip4/22.0.0.1/udp/4001/quic-v1" })
		r := start(t, home(), func(c *Config) { c.Judges, c.Mapper = m, lateMapper{time.Now().Add(20 * time.Second)} })
		defer r.end()
		is := func(d euid.Direction) func(Change) bool {
			return func(c Change) bool { return c.Observation.Reach[euid.IPv4][euid.UDP] == d }
		}
		r.want("that nobody can call", 15*time.Second, is(euid.DirectionPunchable))
		m.change(func() { m.calls = true })
		r.want("that the router lets them in", 25*time.Second, is(euid.DirectionPublic))
	})
}
