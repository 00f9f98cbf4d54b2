// Package links is the part of the driver that has the sockets: a libp2p host
// (QUIC v1; TCP with Noise and yamux, bare or in a WebSocket over TLS; WebTransport)
// and the links to other peers over it.
// It turns what the core wants, a link to a peer and frames sent by class, into
// streams, and what comes in into calls of a [Handler]. It understands nothing
// of what the frames say.
//
// # A link
//
// Peers speak one protocol, [ProtocolID]. On a link each side opens one stream
// to send on and reads the one the other opened; nothing ever flows the other
// way on a stream. The first frame of a stream is the greeting (greeting.go);
// it carries opaque bytes for the peer's Handler.Hello and the numbers by which
// both sides agree on which two streams belong together:
//
//	greeting: session:16 answers:16 hello…
//	frame:    length:uvarint(1…protocol.MaxFrame) bytes…
//
// session names one attempt at a link, of one process; answers is the session
// greeted back, or zero for who speaks first. Two that dial each other at once
// both send zero, and their two streams make one link. A stream that answers a
// session given up since is refused; one with a newer session replaces the link
// there is, for its sender has lost it or was restarted.
//
// A link is up once this side's stream is open with the greeting written, and
// the peer's greeting is read and found good. For each peer, Up and Down
// alternate strictly: a successor waits until the Down of its predecessor has
// returned.
//
// # Getting through
//
// A dial tries all addresses of a peer, one a little after the other, until one comes
// up. In which order, the scout decides (scout.go) by what got through before in the
// same network (package ways); it counts only what leads out of the LAN. libp2p would
// not even try WebSocket where the port speaks TCP too, nor WebTransport beside QUIC:
// unfiltered.go is about that. Who watches sees of each transport what docs/transports.md
// says; outertls.go has the TLS around WebSocket.
//
// # Past NATs
//
// Where Config.Traverse is set, [Manager.SetRole] says what the host can do for others
// and they for it. A leaf keeps places at relays (relays.go), through which it can be
// asked for a direct connection; a public host relays (service.go). A dial of a peer that
// has addresses through relays goes there, and both sides punch a hole (punch.go), or
// the one that was called calls back; only by [Manager.DialRelayed] a link comes up on
// the relayed connection itself, and says so; it ends before the relay's limits are
// reached (quota.go). Routers are asked for ports by portmap.go.
// docs/traversal.md has the whole of it.
//
// # Goroutines
//
// One goroutine runs a link's life (link.go) and makes all calls of the Handler
// that concern it, but Frame, which the reader makes (reader.go), and Hello,
// which comes first of all (accept.go). A writer sends what is queued, a watcher
// notices when the peer closes our stream. A call of a [Manager]'s methods never
// calls the Handler back before it returns.
//
// # Bounds
//
// What comes in: a Handler that does not return from Frame stops the reader, and
// by the transport's flow control the sender; a frame's length is checked before
// memory is allocated, and memory grows with the bytes that have come. What goes
// out: each link has a queue for each class, bounded in frames and bytes
// (internal/sendqueue). Links, greetings in progress and dials are bounded in number
// (config.go), and libp2p's connection and resource managers bound what lies
// below (host.go).
package links
