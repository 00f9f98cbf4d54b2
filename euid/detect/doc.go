// Package detect finds out where this host is: for each network interface an
// [euid.Observation], with the evidence for it. It needs no privileges, blocks
// nobody, and says why where it does not know.
//
//	d, err := detect.New(detect.Config{Bus: h.EventBus(), Listening: h.Network().ListenAddresses,
//		Judges: detect.HostJudges(h, visitor, known)})
//	go d.Run(ctx)
//	for c := range d.Changes() {
//		publish(c.Observation.EUID(key, before))
//	}
//
// # What is found, and how
//
//   - Interfaces: from the kernel, which also says when something changes; where it
//     does not, they are looked at every half minute (kernel_linux.go, watch_linux.go,
//     choose.go).
//   - The resolver: resolv.conf, and behind a stub systemd-resolved's own file
//     (resolver.go).
//   - The first hops towards it: UDP with small TTLs; the errors that come back are
//     read from the socket's error queue (trace.go, probe_linux.go).
//   - What its NAT does: what several peers have seen of the address, by themselves or
//     because they are called on for it (libp2p.go, sight.go, survey.go, visit.go).
//   - Who can call this host: peers are asked to try, by AutoNAT v2's protocol, and
//     strangers do (inquiry.go, inquire.go, judges.go, caller.go, reach.go).
//   - Multicast: a beacon heard both ways (beacon.go, segment.go, multicast.go).
//   - Bandwidth, loss: from what flows anyway (meter.go).
//
// # What it does not do
//
// No verdict is waited for. Some never come: a host behind a NAT that gives a new
// port for each destination has no address that AutoNAT could try. What is not known
// is said to be so, and changes when something is found.
//
// Nothing is asked of anybody but the resolver, which this host asks anyway, who hears
// multicast on its links, and of peers, those that it is connected with first.
//
// # Whom it believes
//
// Who is near cannot say whether strangers get in: a firewall is not between. Who has
// been sent to may be let in where nobody else is ("address-dependent filtering"). That
// one peer has come through is proof, for this host sees it come; that one could not
// is none, and takes another who could not.
//
// # Shape
//
// What touches the kernel is behind [System], which tests replace. One goroutine owns
// all that is known (loop.go); traces and multicast sockets run in goroutines of
// their own and send it what they find, marked with the interface's generation, so
// that what was found before a change does not count after it.
package detect
