package detect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// When those are asked who are not the best (our guesses): at first only the connected,
// each of another site, then others are called on, then several of one site count.
const (
	visitAfter    = time.Second
	sameSiteAfter = 3 * time.Second
	// inquirePause is how soon more are looked for; it doubles while there are none, up
	// to Config.Poll.
	inquirePause = time.Second
)

// inquire asks what is not known of an interface. It reports whether somebody is
// wanted whom there was not.
func (l *loop) inquire(now time.Time, n *nic, s *standing) (wanting bool) {
	all := l.d.cfg.Judges
	if all == nil {
		return false
	}
	var connected []Judge
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			q := &n.inquiries[f][t]
			nat := !s.ownPublic(f).IsValid() && !s.mapped[f][t].IsValid()
			mapped := s.mapped[f][t].IsValid()
			if mapped != q.mapped { // the same port perhaps, and yet another answer
				*q = inquiry{}
			}
			wanted := q.open(now, s.candidate(f, t), nat)
			q.wrapped, q.mapped = s.wrapped[f][t], mapped
			if wanted <= 0 {
				continue
			}
			if connected == nil {
				connected = all.Connected()
			}
			list := l.eligible(n, connected, f, t)
			if q.decided && now.Sub(q.decidedAt) < askAgain { // only a stranger can tell more
				list = slices.DeleteFunc(list, func(j strange) bool { return !j.stranger })
			}
			wanted = l.askSome(now, n, f, t, list, wanted, true)
			if wanted > 0 && now.Sub(n.begun) >= visitAfter {
				list = append(list, l.eligible(n, all.Others(f), f, t)...)
				wanted = l.askSome(now, n, f, t, list, wanted, true)
			}
			if wanted > 0 && now.Sub(n.begun) >= sameSiteAfter {
				wanted = l.askSome(now, n, f, t, list, wanted, false)
			}
			wanting = wanting || wanted > 0
		}
	}
	return wanting
}

// strange is a judge and whether it is a stranger.
type strange struct {
	Judge
	stranger bool
}

// eligible are the judges who see this host by the family, so that they want nothing
// for it, and are not near: in random order, strangers first, of those who are called on
// those who surely can be. Over connections from
// before the interface changed they see another.
func (l *loop) eligible(n *nic, judges []Judge, f euid.Family, t euid.Transport) (list []strange) {
	cfg := &l.d.cfg
	for _, j := range judges {
		j.Addr = plain(j.Addr)
		old := len(j.Visit) == 0 && n.begun.After(l.first) && j.Since.Before(n.begun)
		if familyOf(j.Addr) != f || old || l.near(j.Addr) {
			continue
		}
		other := cfg.NoPunch[t] || len(j.Visit) > 0 || j.Transport != t // than the port listened on
		list = append(list, strange{j, other && !l.sentTo(j.Addr, t)})
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	rank := func(j strange) (r int) {
		if !j.stranger {
			r = 2
		}
		if len(j.Visit) > 0 && !j.Sure { // it may not be there
			r++
		}
		return r
	}
	slices.SortStableFunc(list, func(a, b strange) int { return rank(a) - rank(b) })
	return list
}

// askSome asks so many judges, each of another site than all before it or only each
// once, and returns how many more it would have asked.
func (l *loop) askSome(now time.Time, n *nic, f euid.Family, t euid.Transport, judges []strange, wanted int, sites bool) int {
	q := &n.inquiries[f][t]
	all, addr, about := l.d.cfg.Judges, multiaddrOf(t, q.addr, q.wrapped), q.addr
	for _, j := range judges {
		by := observer(j.Addr)
		if wanted <= 0 {
			break
		}
		if q.asked(j.Peer, by, sites) || l.busy(now, j.Peer) {
			continue
		}
		wanted--
		q.ask(now, j.Peer, by, j.stranger)
		l.asking = append(l.asking, asking{j.Peer, now.Add(askTimeout)})
		accepted := l.d.cfg.Accepted
		l.work(n, func(ctx context.Context, tell func(result)) {
			ctx, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			called, err := all.Ask(ctx, j.Judge, addr)
			if called && accepted != nil && !accepted(j.Addr, t, now) {
				called, err = false, errNotSeen
			}
			tell(result{answer: &answer{j.Peer, f, t, about, by, called, j.stranger, err}})
		})
	}
	return wanted
}

// asking is a judge who has yet to answer.
type asking struct {
	judge peer.ID
	until time.Time
}

// busy reports whether a judge is being asked something.
func (l *loop) busy(now time.Time, p peer.ID) bool {
	return slices.ContainsFunc(l.asking, func(a asking) bool { return a.judge == p && now.Before(a.until) })
}

// freed takes in that a judge has answered; of some nobody hears any more.
func (l *loop) freed(now time.Time, p peer.ID) {
	l.asking = slices.DeleteFunc(l.asking, func(a asking) bool { return a.judge == p || !now.Before(a.until) })
}

// answer is what came of asking one judge.
type answer struct {
	judge     peer.ID
	family    euid.Family
	transport euid.Transport
	addr      netip.AddrPort
	by        netip.Prefix
	called    bool
	stranger  bool
	err       error
}

// answered takes in what a judge said, unless the question is another by now.
func (l *loop) answered(now time.Time, n *nic, a *answer) {
	if q := &n.inquiries[a.family][a.transport]; q.addr == a.addr {
		// Who was called on may have been called by other transports too.
		q.answer(now, a.judge, a.called, a.stranger && !l.sentTo(a.by.Addr(), a.transport), a.err)
	}
}

// sentTo reports whether this host may have sent to an address from the port on which
// it listens.
func (l *loop) sentTo(a netip.Addr, t euid.Transport) bool {
	cfg := &l.d.cfg
	return !cfg.NoPunch[t] && (cfg.Dialed == nil || cfg.Dialed(a))
}

// multiaddrOf is the address that a judge is to call, wrapped by WebSocket.
func multiaddrOf(t euid.Transport, a netip.AddrPort, wrapped bool) ma.Multiaddr {
	ip := "ip4"
	if a.Addr().Is6() {
		ip = "ip6"
	}
	form := [...]string{euid.UDP: "/%s/%s/udp/%d/quic-v1", euid.TCP: "/%s/%s/tcp/%d"}[t]
	if wrapped {
		form += "/tls/ws"
	}
	return ma.StringCast(fmt.Sprintf(form, ip, a.Addr(), a.Port()))
}

// candidate is the address by which others might call: the interface's own, that to
// which a router maps it, or the one that a NAT keeps for it. Without one there is
// nothing to ask.
func (s *standing) candidate(f euid.Family, t euid.Transport) netip.AddrPort {
	port := s.ports[f][t]
	if port == 0 {
		return netip.AddrPort{}
	}
	if own := s.ownPublic(f); own.IsValid() {
		return netip.AddrPortFrom(plain(own), port)
	}
	if !s.exit[f] {
		return netip.AddrPort{}
	}
	if m := s.mapped[f][t]; m.IsValid() && public(m.Addr()) {
		return netip.AddrPortFrom(plain(m.Addr()), m.Port())
	}
	if v := &s.views[f][t]; v.mapping == euid.MappingIndependent && v.local == port {
		return v.seen
	}
	return netip.AddrPort{}
}
