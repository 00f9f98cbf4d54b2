package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

// refresh makes observations of all that is known, and notes which are news.
func (l *loop) refresh(now time.Time) {
	if !l.dirty {
		return
	}
	l.dirty = false
	exits := l.exits()
	wanting := false
	for k, n := range l.nics {
		before := n.report.Observation.Public
		s := l.standing(now, n, exits, k)
		wanting = l.inquire(now, n, &s) || wanting
		s.inquiries, n.views = n.inquiries, s.views
		n.report = l.observe(n, &s)
		o := &n.report.Observation
		for f := range euid.NumFamilies {
			n.surveys[f].schedule(now, n.begun, s.wantsSurvey(f, o))
		}
		if n.traced && before != o.Public {
			l.trace(now, n) // another network is behind this one
		}
		if !n.traced && !n.settled.IsZero() {
			continue
		}
		published := o.EUID(euid.Key{}, n.euid)
		if n.known && published == n.euid && sameFacts(&n.told, o) {
			continue
		}
		n.told, n.euid, n.known = *o, published, true
		l.mark(n.id)
	}
	l.askLater(now, wanting)
	l.store()
}

// askLater has it looked for more who can be asked, more seldom each time.
func (l *loop) askLater(now time.Time, wanting bool) {
	switch {
	case !wanting:
		l.askAt, l.askPause = time.Time{}, 0
	case l.askAt.IsZero():
		l.askPause = min(max(2*l.askPause, inquirePause), l.d.cfg.Poll)
		l.askAt = now.Add(l.askPause)
	}
}

// exits are the indices of the interfaces by which each family leaves.
func (l *loop) exits() (e [euid.NumFamilies]int) {
	list := l.interfaces()
	for f := range euid.NumFamilies {
		e[f] = exit(list, f)
	}
	return e
}

// standing gathers what is known of who can call an interface.
func (l *loop) standing(now time.Time, n *nic, exits [euid.NumFamilies]int, k int) standing {
	s := standing{nic: n.ifc, verdicts: l.outside.verdicts, natTypes: l.outside.natTypes,
		punched: n.punched, failed: n.failed, relayed: l.outside.relayed, noPunch: l.d.cfg.NoPunch}
	for f := range euid.NumFamilies {
		s.exit[f] = exits[f] == k
		for t := range euid.NumTransports {
			s.called[f][t] = l.outside.callers.of(now, &n.ifc, f, t, s.exit[f])
			s.views[f][t] = viewOf(l.sightingsOf(n, f, t, s.exit[f]), n.ifc.owns)
		}
	}
	if l.d.cfg.Listening == nil {
		s.listens = ways[bool]{{true, true}, {true, true}} // nobody says where it does not
	} else {
		by := listening(l.d.cfg.Listening(), &n.ifc, l.d.cfg.Mapper)
		s.listens, s.ports, s.wrapped, s.mapped = by.on, by.ports, by.wrapped, by.mapped
	}
	return s
}

// sightingsOf are those of connections that left by an interface. Of one whose own end
// is not known it is taken to have left by the default route.
func (l *loop) sightingsOf(n *nic, f euid.Family, t euid.Transport, exit bool) (list []sighting) {
	for _, s := range l.outside.sightings.list {
		if s.transport != t || familyOf(s.seen.Addr()) != f {
			continue
		}
		if s.local.Addr().IsUnspecified() && exit || n.ifc.owns(s.local.Addr()) {
			list = append(list, s)
		}
	}
	return list
}

// observe makes the report of an interface.
func (l *loop) observe(n *nic, s *standing) Report {
	r := s.judge()
	o := euid.Observation{NIC: n.id, Public: r.public, Reach: r.reach, Mapping: r.mapping, Filtering: r.filtering,
		Hops: n.path.hops, Measured: n.meter.Measured()}
	for _, p := range n.ifc.Addrs {
		o.Private = append(o.Private, p.Addr())
	}
	o.Resolver = l.resolverOf(n)
	if n.multicast.heard {
		o.Segment, o.Heard = n.multicast.name.String(), true
	}
	return Report{Interface: n.ifc, Observation: o, Evidence: l.evidence(n, s, &r, &o)}
}

// resolverOf is the resolver towards which the path was traced, else the first.
func (l *loop) resolverOf(n *nic) string {
	if n.path.target.IsValid() && contains(l.resolvers.list, n.path.target) {
		return n.path.target.String()
	}
	if len(l.resolvers.list) > 0 {
		return l.resolvers.list[0].String()
	}
	return ""
}

// sameFacts reports whether two observations differ at most in measurements.
func sameFacts(a, b *euid.Observation) bool {
	return a.Public == b.Public && a.Reach == b.Reach && a.Mapping == b.Mapping && a.Filtering == b.Filtering &&
		a.Resolver == b.Resolver && a.Segment == b.Segment && a.Heard == b.Heard &&
		slices.Equal(a.Hops, b.Hops) && slices.Equal(a.Private, b.Private)
}

// store keeps a snapshot for whoever asks.
func (l *loop) store() {
	s := Snapshot{Skipped: l.skipped}
	for _, n := range l.nics {
		s.NICs = append(s.NICs, Change{NIC: n.id, Report: n.report})
	}
	if l.note != "" {
		s.Notes = append(s.Notes, l.note)
	}
	if l.d.cfg.Bus == nil {
		s.Notes = append(s.Notes, "no libp2p host: who can call is not known")
	}
	l.d.mu.Lock()
	l.d.snapshot = s
	l.d.mu.Unlock()
}

// evidence says what an observation rests on.
func (l *loop) evidence(n *nic, s *standing, r *finding, o *euid.Observation) (list []Evidence) {
	add := func(e Evidence) { list = append(list, e) }
	add(l.resolverEvidence(o.Resolver))
	add(n.pathEvidence())
	for f := range euid.NumFamilies {
		name := [...]string{euid.IPv4: "public ipv4", euid.IPv6: "public ipv6"}[f]
		add(Evidence{Of: name, Found: hopText(r.public[f]), By: r.publicHow[f], Why: l.whyNoPublic(r, s, f)})
	}
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			e := Evidence{Of: "reach " + wayName(f, t), Found: r.reach[f][t].String(), By: r.how[f][t]}
			if !l.outside.verdictsAt.IsZero() && strings.HasPrefix(e.By, "AutoNAT") {
				e.At = l.outside.verdictsAt
			}
			if r.reach[f][t] == euid.DirectionUnknown {
				e.Why = s.inquiries[f][t].String()
			}
			if m := s.mapped[f][t]; m.IsValid() {
				e.Why = "the router maps " + m.String() + " to this port"
			}
			add(e)
		}
	}
	add(l.mappingEvidence(s, r))
	add(Evidence{Of: "filtering", Found: r.filtering.String(), By: "follows from who could call"})
	add(n.multicastEvidence())
	add(n.meterEvidence(&o.Measured))
	if l.d.cfg.Mapper != nil {
		e := Evidence{Of: "port mapping", By: "asking the router (UPnP, NAT-PMP)"}
		if l.d.cfg.Mapper.HasDiscoveredNAT() {
			e.Found = "the router maps ports"
		} else {
			e.Why = "no router has said that it maps ports"
		}
		add(e)
	}
	return list
}

func (l *loop) resolverEvidence(found string) Evidence {
	e := Evidence{Of: "resolver", Found: found, By: l.resolvers.from, Why: l.resolvers.why}
	if class, _ := euid.ClassOf(found); e.Why == "" && class == euid.ClassAnycast {
		e.Why = "a public resolver at many places: it says nothing of this one"
	}
	return e
}

func (n *nic) pathEvidence() Evidence {
	e := Evidence{Of: "hops", By: "UDP with small TTLs", Why: n.path.why, At: n.path.at}
	if !n.traced {
		e.Why = "not traced yet"
	}
	if len(n.path.hops) > 0 {
		shown := slices.Clone(n.path.hops)
		for k := range shown {
			if shown[k] == "" {
				shown[k] = "*"
			}
		}
		e.Found = strings.Join(shown, " ")
	}
	return e
}

func (l *loop) whyNoPublic(r *finding, s *standing, f euid.Family) string {
	switch {
	case r.public[f].IsValid():
		return ""
	case !s.nic.has(f):
		return "the interface has no address of the family"
	case !s.exit[f]:
		return "the family leaves by another interface"
	}
	return "fewer than two peers have seen it"
}

func (l *loop) mappingEvidence(s *standing, r *finding) Evidence {
	e := Evidence{Of: "mapping", Found: r.mapping.String(), By: r.natHow}
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			v := &s.views[f][t]
			switch {
			case r.mapping != euid.MappingUnknown && v.mapping == r.mapping:
				return Evidence{Of: "mapping", Found: v.String(), By: r.natHow, At: v.at}
			case r.mapping == euid.MappingUnknown && v.observers > 0 && e.Why == "":
				e.Why = v.why
			}
		}
	}
	if r.mapping == euid.MappingUnknown && e.Why == "" {
		e.Why = "no peer has seen this host yet"
	}
	return e
}

func (n *nic) multicastEvidence() Evidence {
	m := &n.multicast
	e := Evidence{Of: "multicast", By: "beacons", Why: m.why, At: m.at}
	switch {
	case m.heard:
		e.Found = fmt.Sprintf("%d heard both ways, of %d, on segment %s", m.both, m.members, m.name)
	case m.why != "":
	case m.members > 0:
		e.Why = fmt.Sprintf("%d heard, but nobody hears this host", m.members)
	default:
		e.Why = "nobody is heard"
	}
	return e
}

func (n *nic) meterEvidence(m *euid.Measured) Evidence {
	e := Evidence{Of: "performance", By: "traffic, and the resolver's answers"}
	var parts []string
	if m.RTT > 0 {
		parts = append(parts, "rtt "+m.RTT.Round(10*time.Microsecond).String())
	}
	if m.Up > 0 {
		parts = append(parts, fmt.Sprintf("up %.3g Mbit/s", m.Up/1e6))
	}
	if m.Down > 0 {
		parts = append(parts, fmt.Sprintf("down %.3g Mbit/s", m.Down/1e6))
	}
	if m.Sent > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d packets lost", m.Lost, m.Sent))
	}
	if e.Found = strings.Join(parts, ", "); e.Found == "" {
		e.Why = "not enough traffic yet"
	}
	return e
}
