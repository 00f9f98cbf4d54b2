// Package ways remembers by which ways a host's dials got through, on each
// network it has been in, and orders the next dial by that. It is pure: no clock,
// no sockets.
//
// # Why
//
// A peer listens in several ways: QUIC, TCP, WebSocket over TLS, WebTransport; on
// port 443 or another; over IPv4 and IPv6. A firewall lets some of them through
// and drops the others without a word, so a dial must try several, and the first
// to come up is taken. What is best goes first, what else there is follows a little
// later (RFC 8305, "happy eyeballs"). Where QUIC is dropped every dial would lose
// that little time anew, so a [Memory] keeps what happened:
//
//	dial to a peer:   QUIC 443 … TCP 443 … WSS 443      WSS came up
//	remembered:       QUIC 443 and TCP 443 were beaten, WSS 443 works
//	next dial:        WSS 443 at once … QUIC 443 and TCP 443 as a last resort
//
// # What counts
//
// Only a dial that came up counts: one that failed altogether says nothing, for
// the peer may be down. A way is beaten where the same peer offers it, it had a head
// start, and another came up. That may also be a lost packet or a router that
// forwards one port only, so the first time a way is doubted for [FirstDoubt] only,
// each time in a row for twice as long, up to [MaxDoubt]; when it comes up all is
// forgotten. A way that is doubted is tried last, never left out.
//
// What is learnt in one network says nothing of another: each has notes of its own,
// under an [ID] that whoever dials makes of the addresses it has there. At most
// [MaxNetworks] are kept, the one not used for longest is forgotten first, and none
// longer than [MaxAge].
//
// # Bytes
//
// A Memory is kept over restarts ([Memory.Append], [Parse]), the network used last at
// the end, of the ways those that something is known of, ascending:
//
//	version:1 networks:count,(id:8 used:uvarint ways:count,(way:1 worked:uvarint beaten:uvarint times:1)…)…
//
// Times are Unix seconds, 0 for never.
package ways
