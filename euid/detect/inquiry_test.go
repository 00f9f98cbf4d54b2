package detect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2/pb"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// TestInquiry: what is made of what judges say. Each word is one judge: "+" called, "-"
// could not, "?" did not answer; capitals P, N are strangers who did and did not.
func TestInquiry(t *testing.T) {
	for _, tt := range []struct {
		said    string
		decided bool
		called  bool
		nat     bool
		wanted  int // more judges
	}{
		{"", false, false, false, 2},
		{"+", true, true, false, 0},
		{"-", false, false, false, 1},
		{"?", false, false, false, 2},
		{"--", true, false, false, 0},
		{"-?-", true, false, false, 0},
		{"-+", false, false, false, 2},
		{"-+-", false, false, false, 1},
		{"-+--", true, false, false, 0},
		{"+-", true, true, false, 0}, // until the opposite is decided
		{"+---", true, false, false, 0},
		{"????????", false, false, false, 0}, // nobody more, for a while
		// Behind a NAT somebody counts to whom nothing was sent.
		{"+", true, true, true, 1},
		{"+P", true, true, true, 0},
		{"P", true, true, true, 0},
		{"+N", true, false, true, 0},
		{"N+", true, false, true, 0},
		{"+?", true, true, true, 1},
	} {
		now := time.Unix(1e9, 0)
		addr := netip.MustParseAddrPort("22.0.0.1:4001")
		var q inquiry
		q.open(now, addr, tt.nat)
		for k, c := range tt.said {
			by := observer(netip.AddrFrom4([4]byte{22, 9, byte(k), 1}))
			var err error
			if c == '?' {
				err = errRefused
			}
			judge := peer.ID(by.String())
			q.ask(now, judge, by, false)
			q.answer(now, judge, c == '+' || c == 'P', c == 'P' || c == 'N', err)
		}
		wanted := max(0, q.open(now, addr, tt.nat))
		if q.decided != tt.decided || q.called != tt.called || wanted != tt.wanted {
			t.Errorf("%q, NAT %v: decided %v, called %v, %d more; want %v, %v, %d", tt.said, tt.nat, q.decided, q.called, wanted, tt.decided, tt.called, tt.wanted)
		}
	}
}

// TestInquiryTime: who did not answer may be asked again after a while, a judgement is
// renewed after an hour, another address begins anew, and no more than maxSaid are
// asked.
func TestInquiryTime(t *testing.T) {
	now := time.Unix(1e9, 0)
	addr := netip.MustParseAddrPort("22.0.0.1:4001")
	var q inquiry
	for k := 0; q.open(now, addr, false) > 0; k++ {
		by := observer(netip.AddrFrom4([4]byte{22, 9, byte(k), 1}))
		q.ask(now, peer.ID(by.String()), by, false)
		q.answer(now, peer.ID(by.String()), false, false, errRefused)
	}
	if len(q.said) != maxSaid {
		t.Errorf("%d were asked, not %d", len(q.said), maxSaid)
	}
	now = now.Add(askSilent)
	if n := q.open(now, addr, false); n != 2 || len(q.said) != 0 {
		t.Errorf("later %d are wanted, and %d counted", n, len(q.said))
	}
	if q.silence != 2*askSilent {
		t.Errorf("and left alone for %v then", q.silence)
	}
	by := observer(netip.MustParseAddr("22.9.0.1"))
	q.ask(now, peer.ID(by.String()), by, false)
	q.answer(now, peer.ID(by.String()), true, false, nil)
	q.answer(now, peer.ID(by.String()), false, false, nil) // nobody was asked twice
	if n := q.open(now.Add(askAgain-1), addr, false); !q.called || n != 0 {
		t.Errorf("called %v, and yet %d are wanted", q.called, n)
	}
	if n := q.open(now.Add(askAgain), addr, false); n != 1 || !q.decided {
		t.Errorf("an hour later %d are wanted, decided %v", n, q.decided)
	}
	if n := q.open(now, netip.MustParseAddrPort("22.0.0.1:4002"), false); n != 2 || q.decided {
		t.Errorf("about another address %d are wanted, decided %v", n, q.decided)
	}
	if n := q.open(now, netip.AddrPort{}, false); n != 0 || q.decided {
		t.Errorf("about no address %d are wanted, decided %v", n, q.decided)
	}
}

// TestInquiryDoubt: of two judges who disagree, and are all there are, the one who could
// not call is asked again, more seldom each time; and that nobody can call is checked once
// after a while.
func TestInquiryDoubt(t *testing.T) {
	now := time.Unix(1e9, 0)
	addr := netip.MustParseAddrPort("22.0.0.1:4001")
	a, b := observer(netip.MustParseAddr("22.9.0.1")), observer(netip.MustParseAddr("22.9.1.1"))
	var q inquiry
	ask := func(by netip.Prefix, called bool) {
		t.Helper()
		if q.asked(peer.ID(by.String()), by, false) {
			t.Fatalf("%v may not be asked", by)
		}
		q.ask(now, peer.ID(by.String()), by, false)
		q.answer(now, peer.ID(by.String()), called, false, nil)
	}
	q.open(now, addr, false)
	ask(a, false)
	ask(b, true)
	for wait := askTied; wait < askAgain/2; wait *= 2 {
		if q.open(now.Add(wait-1), addr, false); q.decided || !q.asked(peer.ID(a.String()), a, false) {
			t.Fatalf("before %v: decided %v, or asked again", wait, q.decided)
		}
		now = now.Add(wait)
		q.open(now, addr, false)
		if !q.asked(peer.ID(b.String()), b, false) {
			t.Fatal("who could call is forgotten")
		}
		if wait >= 8*askTied {
			break
		}
		ask(a, false)
	}
	if ask(a, true); !q.decided || !q.called {
		t.Errorf("both could call: %+v", q)
	}

	q = inquiry{}
	q.open(now, addr, false)
	ask(a, false)
	ask(b, false)
	if n := q.open(now.Add(checkNo-1), addr, false); n != 0 || !q.decided {
		t.Errorf("%d are asked too early", n)
	}
	now = now.Add(checkNo)
	for range 2 {
		if n := q.open(now, addr, false); n != 1 {
			t.Errorf("%d are to check it", n)
		}
	}
	ask(a, false)
	if n := q.open(now.Add(checkNo), addr, false); n != 0 || !q.decided || q.called {
		t.Errorf("checked, and %d more are asked, decided %v", n, q.decided)
	}
	q.checked = false
	q.open(now, addr, false)
	if ask(b, true); !q.called {
		t.Error("it was called, and does not believe it")
	}
}

// bench is judges of the tests' own.
type bench struct {
	mu        sync.Mutex
	connected []Judge
	others    []Judge
	says      func(j Judge, addr string) (bool, error)
	asked     []string
	atOnce    map[peer.ID]int
	most      int
}

func (b *bench) Connected() []Judge { return b.connected }

func (b *bench) Look(context.Context, Judge) (Seen, error) { return Seen{}, errNothingSeen }

func (b *bench) Others(f euid.Family) (list []Judge) {
	for _, j := range b.others {
		if familyOf(j.Addr) == f {
			list = append(list, j)
		}
	}
	return list
}

func (b *bench) Ask(ctx context.Context, j Judge, addr ma.Multiaddr) (bool, error) {
	b.mu.Lock()
	b.asked = append(b.asked, fmt.Sprint(string(j.Peer), " ", addr))
	if b.atOnce == nil {
		b.atOnce = make(map[peer.ID]int)
	}
	b.atOnce[j.Peer]++
	b.most = max(b.most, b.atOnce[j.Peer])
	b.mu.Unlock()
	time.Sleep(time.Second)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.atOnce[j.Peer]--
	return b.says(j, addr.String())
}

func judgeAt(name, addr string) Judge {
	return Judge{Peer: peer.ID(name), Addr: netip.MustParseAddr(addr), Transport: euid.UDP}
}

// TestAsking: who is near is not asked, none twice at once, each by the family that it
// sees this host by; others are called on where the connected do not suffice, and
// somebody of the same site only then; and who says that he came through must have.
func TestAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(ifc("22.0.0.7/24", "2a01::7/64"))
		sys.setPath(homePath)
		visit := judgeAt("visited", "2a05::1")
		visit.Visit = multiaddrs("/ip6/2a05::1/tcp/1")
		b := &bench{
			connected: []Judge{judgeAt("near", "22.0.0.9"), judgeAt("neighbour", "192.168.1.3"), judgeAt("one", "22.5.0.1"), judgeAt("two", "22.5.0.2")},
			others:    []Judge{visit},
			says:      func(j Judge, addr string) (bool, error) { return strings.Contains(addr, "/ip6/"), nil },
		}
		liar := false
		r := start(t, sys, func(c *Config) {
			c.Judges, c.NoMulticast = b, true
			c.Accepted = func(netip.Addr, euid.Transport, time.Time) bool { return !liar }
		})
		c := r.want("judgements", time.Minute, func(c Change) bool {
			reach := c.Observation.Reach
			return reach[euid.IPv4] == [2]euid.Direction{euid.DirectionPunchable, euid.DirectionPunchable} && reach[euid.IPv6][euid.UDP] == euid.DirectionPublic
		})
		slices.Sort(b.asked)
		if got := strings.Join(b.asked, "\n"); got != strings.Join([]string{
			"one /ip4/22.0.0.7/tcp/4001", "one /ip4/22.0.0.7/udp/4001/quic-v1",
			"two /ip4/22.0.0.7/tcp/4001", "two /ip4/22.0.0.7/udp/4001/quic-v1", "visited /ip6/2a01::7/udp/4001/quic-v1"}, "\n") || b.most != 1 {
			t.Errorf("at most %d at once, asked\n%s", b.most, got)
		}
		for _, e := range c.Evidence {
			if e.Of == "reach udp6" && !strings.Contains(e.By, "asked") {
				t.Errorf("evidence %+v", e)
			}
		}
		r.end()
		liar, b.asked = true, nil
		r = start(t, sys, func(c *Config) {
			c.Judges, c.NoMulticast = b, true
			c.Accepted = func(netip.Addr, euid.Transport, time.Time) bool { return !liar }
		})
		c = r.want("judgements", time.Minute, func(c Change) bool { return c.Observation.Reach[euid.IPv4][euid.TCP] == euid.DirectionPunchable })
		if d := c.Observation.Reach[euid.IPv6][euid.UDP]; d != euid.DirectionUnknown {
			t.Errorf("a liar has it %v", d)
		}
		r.end()
	})
}

// TestNobodyToAsk: where there is nobody who could be asked it is looked for more and
// more seldom, and nothing waits for it.
func TestNobodyToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(ifc("22.0.0.7/24"))
		sys.setPath(homePath)
		b := &counting{}
		r := start(t, sys, func(c *Config) { c.Judges, c.NoMulticast = b, true })
		if _, ok := r.change(time.Second); !ok {
			t.Error("no report within a second")
		}
		time.Sleep(time.Hour)
		if n := b.count(); n < 60 || n > 1000 {
			t.Errorf("looked for judges %d times in an hour", n)
		}
		r.end()
	})
}

type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) count() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

func (c *counting) Connected() []Judge {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return nil
}
func (c *counting) Look(context.Context, Judge) (Seen, error) { return Seen{}, errNothingSeen }
func (c *counting) Others(euid.Family) []Judge                { return nil }
func (c *counting) Ask(context.Context, Judge, ma.Multiaddr) (bool, error) {
	return false, errors.New("nobody is asked")
}

func TestJudgement(t *testing.T) {
	response := func(status pb.DialResponse_ResponseStatus, dial pb.DialStatus, index uint32) *pb.Message {
		return &pb.Message{Msg: &pb.Message_DialResponse{DialResponse: &pb.DialResponse{Status: status, DialStatus: dial, AddrIdx: index}}}
	}
	for _, tt := range []struct {
		name   string
		m      *pb.Message
		called bool
		err    error
	}{
		{"called", response(pb.DialResponse_OK, pb.DialStatus_OK, 0), true, nil},
		{"called, and the nonce was not taken", response(pb.DialResponse_OK, pb.DialStatus_E_DIAL_BACK_ERROR, 0), true, nil},
		{"could not", response(pb.DialResponse_OK, pb.DialStatus_E_DIAL_ERROR, 0), false, nil},
		{"refuses", response(pb.DialResponse_E_DIAL_REFUSED, 0, 0), false, errRefused},
		{"another address", response(pb.DialResponse_OK, pb.DialStatus_OK, 1), false, errAnswer},
		{"no status", response(pb.DialResponse_OK, pb.DialStatus_UNUSED, 0), false, errAnswer},
		{"wants data", &pb.Message{Msg: &pb.Message_DialDataRequest{DialDataRequest: &pb.DialDataRequest{NumBytes: 1 << 40}}}, false, errGuard},
		{"nothing", &pb.Message{}, false, errAnswer},
	} {
		if called, err := judgement(tt.m); called != tt.called || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, %v", tt.name, called, err)
		}
	}
}

// TestCallers: a stranger counts, who is near or was sent to does not, the same one
// counts once, an hour long, and not after the network has changed.
func TestCallers(t *testing.T) {
	now := time.Unix(1e9, 0)
	dialed := netip.MustParseAddr("22.9.0.1")
	l := &loop{d: &Detector{cfg: Config{Dialed: func(a netip.Addr) bool { return a == dialed }}}}
	i := ifc("192.168.1.7/24")
	n := &nic{id: 1, ifc: i}
	n.report.Observation.Public[euid.IPv4] = netip.MustParseAddr("22.0.0.1")
	l.nics = []*nic{n}
	for _, tt := range []struct {
		local, remote string
		want          bool
	}{
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.5.0.1/udp/9/quic-v1", true},
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.5.0.1/udp/10/quic-v1", true}, // again
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.6.0.1/udp/9/quic-v1", true},
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.9.0.1/udp/9/quic-v1", false},                                                   // was sent to
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/192.168.1.9/udp/9/quic-v1", false},                                                // on the LAN
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.0.0.1/udp/9/quic-v1", false},                                                   // around by the NAT
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.0.0.77/udp/9/quic-v1", false},                                                  // the provider's next customer
		{"/ip4/192.168.1.7/udp/1/quic-v1", "/ip4/22.7.0.1/tcp/9", false},                                                           // impossible
		{"/ip4/22.1.1.1/tcp/1/p2p/12D3KooWAjAwBnNN685XN4NVMUAxV8ZVMkL54D2cpcuudmueGkVm/p2p-circuit", "/ip4/22.8.0.1/tcp/1", false}, // relayed
	} {
		if got := l.called(now, identified(tt.local, tt.remote)); got != tt.want {
			t.Errorf("%s to %s counts: %v", tt.remote, tt.local, got)
		}
	}
	of := func(at time.Time) int { return l.outside.callers.of(at, &i, euid.IPv4, euid.UDP, true) }
	if of(now) != 2 || of(now.Add(callerLife)) != 2 || of(now.Add(callerLife+1)) != 0 || l.outside.callers.of(now, &i, euid.IPv4, euid.TCP, true) != 0 {
		t.Errorf("%d strangers, then %d", of(now), of(now.Add(callerLife+1)))
	}
	for k := range 2 * maxCallers {
		l.called(now, identified("/ip4/0.0.0.0/udp/1/quic-v1", fmt.Sprintf("/ip4/22.100.%d.1/udp/9/quic-v1", k)))
	}
	if len(l.outside.callers.list) != maxCallers {
		t.Errorf("%d strangers are kept", len(l.outside.callers.list))
	}
	other := ifc("192.168.2.7/24")
	if l.outside.forget(&i, &other); len(l.outside.callers.list) != 0 {
		t.Error("strangers count in another network")
	}
	l.d.cfg.Dialed = nil
	if l.called(now, identified("/ip4/0.0.0.0/udp/1/quic-v1", "/ip4/22.5.0.1/udp/9/quic-v1")) {
		t.Error("somebody counts who may have been sent to")
	}
	l.d.cfg.NoPunch[euid.TCP] = true
	if !l.called(now, identified("/ip4/0.0.0.0/tcp/1", "/ip4/22.5.0.1/tcp/9")) {
		t.Error("by TCP nothing is sent from the port listened on, and yet it does not count")
	}
}

// identified is the event of a connection that somebody opened.
func identified(local, remote string) event.EvtPeerIdentificationCompleted {
	return event.EvtPeerIdentificationCompleted{Conn: connOf{local: ma.StringCast(local), remote: ma.StringCast(remote)}}
}

// connOf is a connection with addresses and nothing else.
type connOf struct {
	network.Conn
	local, remote ma.Multiaddr
}

func (c connOf) LocalMultiaddr() ma.Multiaddr  { return c.local }
func (c connOf) RemoteMultiaddr() ma.Multiaddr { return c.remote }
