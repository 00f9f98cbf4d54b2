package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Constants of inquiries (our guesses).
const (
	// leastLead is by how many judges those who could not call must be ahead of those who
	// could: one alone may err, or lie. That one could is proof enough.
	leastLead = 2
	// maxSaid bounds the judges who are asked about one address.
	maxSaid = 8
	// askAgain is how long a judgement is left alone.
	askAgain = time.Hour
	// askSilent is when judges that did not answer may be asked once more: a connection
	// that the network's change has broken answers nothing. It doubles each time, up to
	// maxAskSilent: on a busy machine many answers come too late.
	askSilent    = 5 * time.Second
	maxAskSilent = time.Minute
	// askTied is when those who could not call are asked once more, where as many could and
	// there may be nobody else, as in IPv6, where a whole LAN counts once: they err more
	// often. It doubles each time, up to askAgain.
	askTied = 5 * time.Second
	// checkNo is when somebody is asked again, once, after it was decided that nobody can
	// call: on a busy machine, or where packets are lost, two may have failed by chance.
	checkNo = 2 * time.Minute
)

// saying is what one judge said of one address.
type saying struct {
	judge   peer.ID
	by      netip.Prefix
	at      time.Time
	pending bool // has yet to answer
	silent  bool // did not, or would not
	called  bool
	// stranger: nothing had been sent to it for which a filter would let it in.
	stranger bool
}

// inquiry is whether others can call one address of this host. The zero inquiry is
// about none.
type inquiry struct {
	addr    netip.AddrPort
	wrapped bool // it is called by WebSocket
	mapped  bool // by a port that the router maps
	said    []saying
	// decided says that something came of it, called what, sites how many said so; it
	// stands until the opposite is decided.
	decided, called bool
	sites           int
	decidedAt       time.Time
	trouble         string        // of the last judge who did not answer
	silence         time.Duration // for which those who did not answer are left alone
	tied            time.Duration // for which those are who could not call, where others could
	checked         bool          // somebody was asked again after it was decided that nobody can call
}

// open begins anew where the address is another, and returns how many are to be asked.
// nat says that there is a NAT: then a stranger must have been among them.
func (q *inquiry) open(now time.Time, addr netip.AddrPort, nat bool) (wanted int) {
	if addr != q.addr {
		*q = inquiry{addr: addr}
	}
	if !addr.IsValid() {
		return 0
	}
	if q.silence == 0 {
		q.silence, q.tied = askSilent, askTied
	}
	answered := len(q.said)
	q.said = slices.DeleteFunc(q.said, func(s saying) bool {
		return !s.pending && (now.Sub(s.at) >= askAgain || s.silent && now.Sub(s.at) >= q.silence)
	})
	if len(q.said) < answered {
		q.silence = min(2*q.silence, maxAskSilent)
	}
	q.untie(now)
	yes, no, pending := q.count(func(saying) bool { return true })
	if q.decided && !q.called && !q.checked && pending == 0 && now.Sub(q.decidedAt) >= checkNo {
		q.said = nil
		return 1
	}
	room := maxSaid - len(q.said)
	switch {
	case q.decided && now.Sub(q.decidedAt) >= askAgain && pending == 0:
		return min(room, 1)
	case !q.decided:
		return min(room, leastLead-max(yes-no, no-yes)-pending)
	case nat && q.called && !slices.ContainsFunc(q.said, func(s saying) bool { return s.stranger && !s.silent }):
		return min(room, 1-pending)
	}
	return 0
}

// untie forgets after a while who could not call, where as many could and nothing is
// decided.
func (q *inquiry) untie(now time.Time) {
	yes, no, pending := q.count(func(saying) bool { return true })
	if q.decided || pending > 0 || yes == 0 || yes != no {
		return
	}
	before := len(q.said)
	q.said = slices.DeleteFunc(q.said, func(s saying) bool { return !s.silent && !s.called && now.Sub(s.at) >= q.tied })
	if len(q.said) < before {
		q.tied = min(2*q.tied, askAgain)
	}
}

// count counts the sayings of some.
func (q *inquiry) count(of func(saying) bool) (yes, no, pending int) {
	for _, s := range q.said {
		switch {
		case s.silent || !of(s):
		case s.pending:
			pending++
		case s.called:
			yes++
		default:
			no++
		}
	}
	return yes, no, pending
}

// asked reports whether a judge has been asked, or another at the same place or, with
// whole, of the same site, who has not fallen silent.
func (q *inquiry) asked(judge peer.ID, by netip.Prefix, whole bool) bool {
	return slices.ContainsFunc(q.said, func(s saying) bool {
		return s.judge == judge || !s.silent && (s.by == by || whole && site(s.by.Addr()) == site(by.Addr()))
	})
}

// ask notes that a judge is asked.
func (q *inquiry) ask(now time.Time, judge peer.ID, by netip.Prefix, stranger bool) {
	q.checked = q.decided && !q.called
	q.said = append(q.said, saying{judge: judge, by: by, at: now, pending: true, stranger: stranger})
}

// answer takes in what a judge said, and decides. Where those this host has sent to
// get through and strangers do not, it cannot be called: the filter lets in whom it
// knows ("address-dependent", RFC 4787, section 5).
func (q *inquiry) answer(now time.Time, judge peer.ID, called, stranger bool, err error) {
	k := slices.IndexFunc(q.said, func(s saying) bool { return s.judge == judge && s.pending })
	if k < 0 {
		return
	}
	s := &q.said[k]
	s.at, s.pending, s.called, s.stranger, s.silent = now, false, called, stranger, err != nil
	if err != nil {
		q.trouble = err.Error()
	}
	yes, no, _ := q.count(func(saying) bool { return true })
	in, out := q.strangers()
	switch {
	case out > in && yes+no >= leastLead:
		q.decided, q.called, q.sites = true, false, no
	case yes > no:
		q.decided, q.called, q.sites = true, true, yes
	case no-yes >= leastLead:
		q.decided, q.called, q.sites = true, false, no
	default:
		return
	}
	q.decidedAt = now
}

// strangers says how many of them got in, and how many did not.
func (q *inquiry) strangers() (in, out int) {
	in, out, _ = q.count(func(s saying) bool { return s.stranger })
	return in, out
}

// String says how far it is, "" if nobody was asked.
func (q *inquiry) String() string {
	if len(q.said) == 0 {
		return ""
	}
	yes, no, pending := q.count(func(saying) bool { return true })
	s := fmt.Sprintf("of %d asked about %v %d called, %d could not, %d have yet to say", len(q.said), q.addr, yes, no, pending)
	if q.trouble != "" {
		s += "; one says nothing: " + q.trouble
	}
	return s
}

// site is what may have one firewall before it, or one owner.
func site(a netip.Addr) netip.Prefix {
	bits := nearBits4
	if a.Is6() {
		bits = nearBits6
	}
	p, _ := a.Prefix(bits)
	return p
}
