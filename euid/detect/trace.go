package detect

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

// Constants of a trace (our guesses). All probes of a round leave at once, so it takes
// traceRounds times probeWait at most, whatever stays silent; and it costs about 1 kB.
const (
	probeWait   = time.Second
	traceRounds = 2
	// farTTL is that of the probe which measures the round trip to the resolver.
	farTTL = 64
	// portDNS gets a question that every resolver answers, so that firewalls pass it
	// and the end of the path is known; firstPort and those after it, as all
	// traceroutes have them, tell a router that takes questions for itself from the
	// resolver.
	portDNS   = 53
	firstPort = 33434
)

// path is what a trace found.
type path struct {
	target netip.Addr
	// hops are the routers, nearest first, "" for gaps; the last is known.
	hops []string
	// end is the TTL at which the target answered, 0 if it did not.
	end int
	// intercepted: something nearer than the target answered in its name.
	intercepted bool
	// rtt is the least round trip to the target, 0 if it did not answer.
	rtt time.Duration
	// why says why there is nothing, or less than could be.
	why string
	at  time.Time
	// kept is how many traces in a row were completed by earlier ones.
	kept int
}

// outcome is what came of one probe.
type outcome struct {
	ttl, port int
	answer    Answer
	err       error
}

// traceAny traces the first of the resolvers to which the interface has a route.
func traceAny(ctx context.Context, sys System, by Interface, targets []netip.Addr) path {
	p := path{why: "no resolver to trace"}
	for _, t := range targets {
		switch {
		case t.IsLoopback():
			continue
		case !leads(&by, t):
			p = path{target: t, why: noRoute, at: time.Now()}
			continue
		}
		if p = trace(ctx, sys, by, t); len(p.hops) > 0 || p.rtt > 0 {
			return p
		}
	}
	return p
}

const noRoute = "the interface leads to no resolver"

// leads reports whether an interface has a way to a target: a default route, or a
// network that the target is in. The kernel would rather take the target to be on the
// link than say that there
// is none, once a socket is bound to an interface, and wait for it.
func leads(by *Interface, target netip.Addr) bool {
	if z := target.Zone(); z != "" && z != by.Name {
		return false
	}
	for _, p := range by.Addrs {
		if p.Contains(plain(target)) {
			return true
		}
	}
	return by.Default[familyOf(target)] && !target.IsLinkLocalUnicast()
}

// trace finds the first routers from an interface to a target. It returns soon after
// ctx has ended, and after traceRounds rounds in any case.
func trace(ctx context.Context, sys System, by Interface, target netip.Addr) path {
	var all []outcome
	want := make([]int, 0, euid.MaxHops+1)
	for ttl := 1; ttl <= euid.MaxHops; ttl++ {
		want = append(want, ttl)
	}
	want = append(want, farTTL)
	for range traceRounds {
		all = append(all, sendRound(ctx, sys, by, target, want)...)
		// Whoever was silent is asked once more: routers limit how many errors they send.
		want = slices.DeleteFunc(want, func(ttl int) bool {
			return slices.ContainsFunc(all, func(o outcome) bool { return o.ttl == ttl && o.err == nil })
		})
		if len(want) == 0 || ctx.Err() != nil || hopeless(all) != nil {
			break
		}
	}
	p := combine(by, target, all)
	p.at = time.Now()
	return p
}

// sendRound sends two probes of each TTL at once, and returns what came of them.
func sendRound(ctx context.Context, sys System, by Interface, target netip.Addr, ttls []int) []outcome {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	done := make(chan outcome)
	for _, ttl := range ttls {
		for _, port := range [...]int{portDNS, firstPort + ttl} {
			go func() {
				probe := Probe{Target: netip.AddrPortFrom(target, uint16(port)), TTL: ttl, By: by}
				if port == portDNS {
					probe.Payload = question()
				}
				a, err := sys.Probe(ctx, probe)
				done <- outcome{ttl, port, a, err}
			}()
		}
	}
	list := make([]outcome, 2*len(ttls))
	for i := range list {
		list[i] = <-done
	}
	return list
}

// question asks a resolver for the name servers of the root, which it knows (RFC 1035,
// section 4.1): id:2 flags:2 questions:2 0:6, the root, NS, IN.
func question() []byte {
	q := []byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}
	binary.BigEndian.PutUint16(q, uint16(rand.Uint32()))
	return q
}

// hopeless is an error by which no probe can come back.
func hopeless(all []outcome) error {
	for _, o := range all {
		if o.err == nil || errors.Is(o.err, context.DeadlineExceeded) || errors.Is(o.err, context.Canceled) {
			return nil
		}
	}
	for _, o := range all {
		return o.err
	}
	return nil
}

// combine makes a path of what came of all probes, in whatever order.
func combine(by Interface, target netip.Addr, all []outcome) path {
	p := path{target: target}
	passed, far := exceeded(by, all)
	for _, o := range all {
		// "Reached" with less TTL than was too little: it was not the target.
		p.intercepted = p.intercepted || o.err == nil && o.answer.Kind == Reached && o.ttl <= far
	}
	last := euid.MaxHops // the hops that count
	var refuses netip.Addr
	for _, o := range all {
		switch {
		case o.err != nil || o.ttl <= far || p.intercepted && o.port == portDNS:
		case o.answer.Kind == Reached:
			if p.rtt == 0 || o.answer.After < p.rtt {
				p.rtt = o.answer.After
			}
			if o.ttl <= euid.MaxHops && (p.end == 0 || o.ttl < p.end) {
				p.end = o.ttl
			}
		case o.answer.Kind == Refused && o.ttl <= last && !by.owns(o.answer.From):
			last, refuses = o.ttl, plain(o.answer.From)
		}
	}
	if p.end > 0 {
		last = min(last, p.end-1)
	}
	for ttl := 1; ttl <= last; ttl++ {
		p.hops = append(p.hops, hopText(passed[ttl]))
	}
	switch {
	case p.end == 1 && plain(target) == plain(by.Gateway[familyOf(target)]):
		p.hops = []string{hopText(plain(target))} // the home router is both
	case p.end == 0 && refuses.IsValid() && refuses != plain(target):
		p.hops[last-1] = hopText(refuses)
	}
	for len(p.hops) > 0 && p.hops[len(p.hops)-1] == "" {
		p.hops = p.hops[:len(p.hops)-1]
	}
	p.why = p.explain(hopeless(all))
	return p
}

// maxKept is how many traces in a row may miss a router that an earlier one found
// (our guess).
const maxKept = 3

// after completes a trace by the one before it: routers do not always answer, and what
// is published should change with the place and not with that.
func (p path) after(before path) path {
	if p.target != before.target || before.kept >= maxKept || p.intercepted != before.intercepted {
		return p
	}
	hops := slices.Clone(p.hops)
	filled := false
	for k, old := range before.hops {
		switch {
		case old == "":
		case k >= len(hops) && p.end > 0:
			return p // shorter than it was
		case k >= len(hops) || hops[k] == "":
			hops = append(hops, make([]string, max(0, k+1-len(hops)))...)
			hops[k], filled = old, true
		case hops[k] != old:
			return p
		}
	}
	if filled {
		p.hops, p.kept = hops, before.kept+1
		p.why = "some routers did not answer this time"
	}
	return p
}

// exceeded are the routers that had no TTL left, by the TTL, and the greatest TTL that
// did not suffice. Where several routers share the load the least address counts:
// others find it too.
func exceeded(by Interface, all []outcome) (passed [euid.MaxHops + 1]netip.Addr, far int) {
	for _, o := range all {
		if o.err != nil || o.answer.Kind != Exceeded || o.ttl > euid.MaxHops || by.owns(o.answer.From) {
			continue
		}
		far = max(far, o.ttl)
		if a := plain(o.answer.From); !passed[o.ttl].IsValid() || a.Less(passed[o.ttl]) {
			passed[o.ttl] = a
		}
	}
	return passed, far
}

func hopText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// explain says what is odd about a path.
func (p *path) explain(err error) string {
	switch {
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return noRoute
	case err != nil:
		return err.Error()
	case p.intercepted:
		return "something on the way answers in the resolver's name"
	case len(p.hops) == 0 && p.end == 1:
		return "the resolver is on this link"
	case len(p.hops) == 0:
		return "no router on the way said anything"
	case slices.Contains(p.hops, ""):
		return "some routers stay silent"
	}
	return ""
}
