package share

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Machine is one host's share in the sharing on one LAN. Every call takes the time;
// after each, Take has what is to be sent and Of may have changed (Version tells).
type Machine struct {
	cfg Config
	rng *rand.Rand

	wants   []netip.AddrPort // ascending
	hosts   []host           // others, by ID
	to      map[netip.AddrPort]netip.AddrPort
	version int

	out      []*Roster
	seq      uint64
	next     protocol.Time // the next roster
	said     protocol.Time // the last
	pause    time.Duration
	owed     int  // rosters still to be sent although nobody needs them
	yielded  bool // this host wanted too much once, and does not any more
	decideAt protocol.Time
	decided  protocol.Time
	tokens   float64
	filled   protocol.Time

	stats Stats
}

// host is what another has said last.
type host struct {
	id    protocol.PeerID
	seq   uint64
	until protocol.Time
	Member
}

// Stats counts what happened.
type Stats struct {
	Sent, Heard, Decided uint64
	// Differed are rosters heard of hosts that go by something else.
	Differed uint64
	// Refused are rosters that were replayed, forged, or of groups that no topic has;
	// Unchecked those for whose check there was no time; Full those for which there was no room.
	Refused, Unchecked, Full uint64
}

// New returns a machine that wants nothing.
func New(cfg Config, rng *rand.Rand) *Machine {
	return &Machine{cfg: cfg, rng: rng, seq: cfg.Seq, next: protocol.Never, decideAt: protocol.Never, tokens: checkBurst}
}

// Want says which groups this host wants: MaxGroups at most, ascending, each once.
func (m *Machine) Want(now protocol.Time, groups []netip.AddrPort) {
	if len(groups) > MaxGroups {
		panic("share: too many groups")
	}
	if m.seq > m.cfg.Seq {
		m.owed = repeats // others go by what was said before
	}
	m.yielded = len(groups) <= m.cfg.Bound && (m.yielded || len(m.wants) > m.cfg.Bound)
	m.wants = slices.Clone(groups)
	if len(m.own()) > max(m.cfg.Bound, MinBound) {
		m.decide(now) // it cannot join what it wants: others follow when they hear of it
	} else {
		m.decideSoon(now)
	}
	m.saySoon(now)
}

// own are the groups that are heard as things are.
func (m *Machine) own() (list []netip.AddrPort) {
	for _, g := range m.wants {
		list = append(list, m.Of(g))
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return slices.Compact(list)
}

// Of is the group to which what is meant for one is sent.
func (m *Machine) Of(g netip.AddrPort) netip.AddrPort {
	if to, shared := m.to[g]; shared {
		return to
	}
	return g
}

// Version changes whenever Of may give something else.
func (m *Machine) Version() int { return m.version }

// Stats returns what was counted.
func (m *Machine) Stats() Stats { return m.stats }

// Take returns what is to be sent, signed, and forgets it.
func (m *Machine) Take() []*Roster {
	list := m.out
	m.out = nil
	return list
}

// Heard takes in what another host says.
func (m *Machine) Heard(now protocol.Time, r *Roster) {
	if r.Origin == m.cfg.Self {
		return
	}
	i, known := slices.BinarySearchFunc(m.hosts, r.Origin, func(h host, p protocol.PeerID) int { return strings.Compare(string(h.id), string(p)) })
	if known && r.Seq <= m.hosts[i].seq || slices.ContainsFunc(r.Groups, func(g netip.AddrPort) bool { return !m.cfg.Valid(g) }) {
		m.stats.Refused++
		return
	}
	if !m.check(now, r) {
		return
	}
	if len(m.wants) == 0 {
		return
	}
	// The pause that was announced is the next one; those after it are longer.
	pause := max(time.Duration(r.Pause)*time.Millisecond, m.longest())
	h := host{r.Origin, r.Seq, now.Add(patience*pause + slack), Member{r.Groups, r.Bound}}
	others := m.known() // groups of the others
	if known {
		others -= len(m.hosts[i].Groups)
	}
	if !known && len(m.hosts) == MaxHosts || others+len(r.Groups) > MaxKnown {
		m.stats.Full++
		return
	}
	m.stats.Heard++
	silent := m.next == protocol.Never
	changed := !known || !slices.Equal(m.hosts[i].Groups, h.Groups) || m.hosts[i].Bound != h.Bound
	if known {
		m.hosts[i] = h
	} else {
		m.hosts = slices.Insert(m.hosts, i, h)
	}
	if changed {
		m.decideSoon(now)
	}
	if !known || silent {
		m.saySoon(now)
	}
	if known && r.Basis != m.basis() {
		m.stats.Differed++
		m.differ(now)
	}
}

// check checks a signature, as often as there is time for.
func (m *Machine) check(now protocol.Time, r *Roster) bool {
	if m.cfg.Verify == nil {
		return true
	}
	m.tokens = min(checkBurst, m.tokens+checkRate*now.Sub(m.filled).Seconds())
	m.filled = now
	if m.tokens < 1 {
		m.stats.Unchecked++
		return false
	}
	m.tokens--
	if !m.cfg.Verify(r.Origin, toSign(r), r.Sig) {
		m.stats.Refused++
		return false
	}
	return true
}

// toSign is what is signed, so that the signature stands for nothing else.
func toSign(r *Roster) []byte { return r.AppendSigned([]byte("quilt-ipmc-roster:")) }

func (m *Machine) known() (n int) {
	for _, h := range m.hosts {
		n += len(h.Groups)
	}
	return n
}

// scarce reports whether anybody, this host too, wants more than it may join.
func (m *Machine) scarce() bool {
	return len(m.wants) > m.cfg.Bound ||
		slices.ContainsFunc(m.hosts, func(h host) bool { return len(h.Groups) > h.Bound })
}

func (m *Machine) decideSoon(now protocol.Time) {
	m.decideAt = min(m.decideAt, max(now.Add(settle), m.decided.Add(decideEvery)))
}

// saySoon has a roster sent soon, if there is anything to say.
func (m *Machine) saySoon(now protocol.Time) {
	if !m.scarce() && m.owed == 0 {
		return
	}
	m.pause = firstPause
	m.next = min(m.next, now.Add(m.spread()))
}

// Deadline is when Advance wants to be called.
func (m *Machine) Deadline() protocol.Time {
	d := min(m.next, m.decideAt)
	for _, h := range m.hosts {
		d = min(d, h.until)
	}
	return d
}

// Advance does what is due.
func (m *Machine) Advance(now protocol.Time) {
	before := len(m.hosts)
	m.hosts = slices.DeleteFunc(m.hosts, func(h host) bool { return h.until <= now })
	if len(m.hosts) < before {
		m.decideSoon(now)
	}
	if m.decideAt <= now {
		m.decide(now)
	}
	if m.next <= now {
		m.say(now)
	}
}

// say sends a roster, if anybody needs it still.
func (m *Machine) say(now protocol.Time) {
	if m.next = protocol.Never; !m.scarce() && m.owed == 0 {
		return
	}
	m.owed = max(m.owed-1, 0)
	r := &Roster{Origin: m.cfg.Self, Pause: int(m.pause / time.Millisecond), Bound: min(m.cfg.Bound, maxBound), Basis: m.basis(), Groups: slices.Clone(m.wants)}
	m.seq, m.said = m.seq+1, now
	r.Seq = m.seq
	if m.cfg.Sign != nil {
		r.Sig = m.cfg.Sign(toSign(r))
	}
	m.out = append(m.out, r)
	m.stats.Sent++
	m.next = now.Add(m.pause - time.Duration(m.rng.Int64N(int64(m.pause/2))))
	m.pause = min(2*m.pause, m.longest())
}

// decide decides anew, from what all have said.
func (m *Machine) decide(now protocol.Time) {
	m.decideAt, m.decided = protocol.Never, now
	if len(m.wants) == 0 {
		m.hosts = nil
	}
	m.to = Assign(m.members())
	m.stats.Decided++
	m.version++
}

// members are all hosts with this one among them, by ID.
func (m *Machine) members() []Member {
	list := make([]Member, 0, len(m.hosts)+1)
	self := Member{m.wants, m.cfg.Bound}
	for _, h := range m.hosts {
		if h.id > m.cfg.Self && self.Groups != nil {
			list = append(list, self)
			self.Groups = nil
		}
		list = append(list, h.Member)
	}
	if self.Groups != nil {
		list = append(list, self)
	}
	return list
}
