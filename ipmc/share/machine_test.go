package share

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// lan is hosts that hear each other's rosters at once, encoded and decoded.
type lan struct {
	t     *testing.T
	now   protocol.Time
	rng   *rand.Rand
	hosts []*Machine
	dead  map[*Machine]bool
	loss  float64
	sent  []*Roster
}

func newLAN(t *testing.T, n, bound int) *lan {
	l := &lan{t: t, rng: rand.New(rand.NewPCG(1, 9)), dead: make(map[*Machine]bool)}
	for i := range n {
		id := protocol.PeerID(fmt.Sprintf("peer-%03d", i))
		l.hosts = append(l.hosts, New(Config{Self: id, Bound: bound, Seq: 1000,
			Valid:  func(g netip.AddrPort) bool { return g.Addr().As4()[1] == 255 },
			Sign:   func(b []byte) []byte { return sign(id, b) },
			Verify: func(p protocol.PeerID, b, sig []byte) bool { return bytes.Equal(sig, sign(p, b)) },
		}, rand.New(rand.NewPCG(uint64(i), 3))))
	}
	return l
}

func sign(p protocol.PeerID, b []byte) []byte {
	sum := 0
	for i, c := range b {
		sum += (i + 1) * int(c)
	}
	return fmt.Appendf(nil, "%s signs %d", string(p), sum)
}

func (l *lan) want(i int, list ...int) { l.hosts[i].Want(l.now, groupsOf(list...)); l.flush() }

func (l *lan) flush() {
	for _, h := range l.hosts {
		for _, r := range h.Take() {
			l.sent = append(l.sent, r)
			l.say(h, r)
		}
	}
}

// say has all but one hear a roster.
func (l *lan) say(from *Machine, r *Roster) {
	for _, o := range l.hosts {
		if o == from || l.dead[o] || l.rng.Float64() < l.loss {
			continue
		}
		got, err := Decode(r.Kind(), r.AppendTo(nil))
		if err != nil {
			l.t.Fatal(err)
		}
		o.Heard(l.now, got)
	}
}

func (l *lan) run(d time.Duration) {
	end := l.now.Add(d)
	for {
		next := end
		for _, h := range l.hosts {
			if !l.dead[h] {
				next = min(next, h.Deadline())
			}
		}
		if l.now = max(l.now, next); next >= end {
			l.now = end
			return
		}
		for _, h := range l.hosts {
			if !l.dead[h] && h.Deadline() <= l.now {
				h.Advance(l.now)
				if h.Deadline() <= l.now {
					l.t.Fatalf("%v: a host wants to be called again at once", l.now)
				}
			}
		}
		l.flush()
	}
}

// agree checks that nobody joins too much, and that all send what they have in common
// to the same groups.
func (l *lan) agree(what string) {
	l.t.Helper()
	where := make(map[netip.AddrPort]netip.AddrPort)
	for i, h := range l.hosts {
		if l.dead[h] {
			continue
		}
		if n := len(h.own()); n > max(h.cfg.Bound, MinBound) {
			l.t.Errorf("%s: host %d joins %d groups", what, i, n)
		}
		for _, g := range h.wants {
			if to, known := where[g]; known && to != h.Of(g) {
				l.t.Errorf("%s: host %d sends %v to %v, another to %v", what, i, g, h.Of(g), to)
			}
			where[g] = h.Of(g)
		}
	}
}

// TestSilence: where everybody has room nothing is ever said.
func TestSilence(t *testing.T) {
	l := newLAN(t, 10, 8)
	for i := range l.hosts {
		l.want(i, 1, 2, 3, i+10)
	}
	l.run(time.Hour)
	if len(l.sent) > 0 {
		t.Errorf("%d rosters are sent", len(l.sent))
	}
}

// TestAgreement: hosts agree soon after something has changed, whatever is lost, and
// rosters back off.
func TestAgreement(t *testing.T) {
	for i := range 9 {
		loss := []float64{0, 0.1, 0.3}[i%3]
		l := newLAN(t, 30, 5)
		l.loss, l.rng = loss, rand.New(rand.NewPCG(uint64(i), 9))
		for i := range l.hosts {
			l.want(i, 1, 2, i%7+3, i%5+10, i%3+20)
		}
		l.run(10 * time.Second)
		if len(l.sent) > 0 {
			t.Fatal("something is said although everybody has room")
		}
		l.want(4, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21)
		if n := len(l.hosts[4].own()); n > 5 {
			t.Errorf("it joins %d groups before others have heard of it", n)
		}
		settleIn := time.Duration(float64(10*time.Second) * (1 + 10*loss)) // 10, 20 and 40 s
		l.run(settleIn)
		l.agree(fmt.Sprintf("run %d, loss %v, %v after one has too many", i, loss, settleIn))
		before := l.hosts[7].Version()
		l.sent = nil
		l.run(5 * time.Minute)
		l.agree("later")
		if n := len(l.sent); n > 5*60*perSecond*3/2+len(l.hosts) {
			t.Errorf("%d rosters in five minutes", n)
		}
		if v := l.hosts[7].Version(); loss == 0 && v != before {
			t.Errorf("it decides %d times although nothing changes", v-before)
		}
		l.want(4, 1, 2)
		l.run(settleIn)
		l.agree("nobody has too many any more")
		if l.hosts[4].Of(group(2)) != group(2) {
			t.Error("topics share still")
		}
		l.run(2 * time.Minute)
		l.sent = nil
		l.run(time.Hour)
		if n := len(l.sent); n > 0 {
			t.Errorf("%d rosters are sent although everybody has room", n)
		}
	}
}

// TestDeadHost: what a host wanted that is gone counts no more after a while.
func TestDeadHost(t *testing.T) {
	l := newLAN(t, 5, 3)
	for i := range l.hosts {
		l.want(i, 1, 2)
	}
	l.want(0, 1, 2, 3, 4, 5, 6)
	l.run(20 * time.Second)
	l.agree("with it")
	l.dead[l.hosts[0]] = true
	l.run(10 * time.Minute)
	l.agree("without it")
	if n := len(l.hosts[1].hosts); n > 0 {
		t.Errorf("%d hosts are known still", n)
	}
}

// TestLies: what is forged, replayed, or speaks of groups that no topic has counts for
// nothing; and what may be claimed has an end.
func TestLies(t *testing.T) {
	l := newLAN(t, 3, 4)
	for i := range l.hosts {
		l.want(i, 1, 2, 3)
	}
	h := l.hosts[0]
	honest := func(id protocol.PeerID, seq uint64, groups []netip.AddrPort) *Roster {
		r := &Roster{Origin: id, Seq: seq, Pause: 1000, Bound: 2, Groups: groups}
		r.Sig = sign(id, toSign(r))
		return r
	}
	forged := honest("mallory", 1, groupsOf(1, 2, 3))
	forged.Origin = l.hosts[1].cfg.Self
	l.say(nil, forged)
	l.say(nil, honest("mallory", 1, []netip.AddrPort{netip.MustParseAddrPort("224.0.0.251:5353")}))
	l.say(nil, honest(h.cfg.Self, 1, groupsOf(1, 2, 3)))
	if len(h.hosts) > 0 || h.Stats().Refused != 2 {
		t.Errorf("%d hosts are known, %+v", len(h.hosts), h.Stats())
	}
	late, early := honest("carol", 9, groupsOf(1, 2, 3)), honest("carol", 8, groupsOf(1, 2))
	l.say(nil, late)
	l.say(nil, early)
	l.say(nil, late)
	if len(h.hosts) != 1 || len(h.hosts[0].Groups) != 3 || h.Stats().Refused != 4 {
		t.Errorf("%d hosts are known, %+v", len(h.hosts), h.Stats())
	}
	for i := range 2 * MaxHosts {
		l.now = l.now.Add(50 * time.Millisecond)
		l.say(nil, honest(protocol.PeerID(fmt.Sprint("sybil", i)), 1, groupsOf(1)))
	}
	if n := len(h.hosts); n != MaxHosts {
		t.Errorf("%d hosts are known, want %d", n, MaxHosts)
	}
	for i := range 40 {
		var list []int
		for k := range MaxGroups {
			list = append(list, i*MaxGroups+k)
		}
		l.now = l.now.Add(50 * time.Millisecond)
		l.say(nil, honest(h.hosts[i].id, 2, groupsOf(list...)))
	}
	if n := h.known(); n > MaxKnown || n < MaxKnown-MaxGroups {
		t.Errorf("%d groups are known, want up to %d", n, MaxKnown)
	}
	for i := range 2 * checkBurst {
		l.say(nil, honest("flood", uint64(i+1), groupsOf(1)))
	}
	if s := h.Stats(); s.Unchecked == 0 {
		t.Errorf("%+v", s)
	}
	l.run(time.Second)
	if n := len(h.own()); n > 4 {
		t.Errorf("it joins %d groups", n)
	}
	if !slices.IsSortedFunc(h.hosts, func(a, b host) int { return int(bytes.Compare([]byte(a.id), []byte(b.id))) }) {
		t.Error("hosts are out of order")
	}
}
