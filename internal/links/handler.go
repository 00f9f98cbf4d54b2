package links

import "github.com/quilt-p2p/quilt/protocol"

// Handler is told what happens on the links. Calls come from several goroutines,
// the first perhaps before New has returned, and never from within a call of the Manager's methods; for each peer they come in
// order: Hello, Up, any of Frame, Congested, Drained and Dropped, Down. All must
// be quick, but Frame may wait: see there.
type Handler interface {
	// Hello gets the opaque bytes of a peer's greeting and refuses the peer by
	// returning an error. It may be called for a peer whose link is up, when the
	// peer was restarted; and Up may not follow. The callee owns hello.
	Hello(peer protocol.PeerID, hello []byte) error
	// Up: frames can be sent from now on. RTT and NIC are not known here.
	Up(link protocol.Link)
	// Down: the link is gone, and with it what was queued and not yet reported. It
	// follows every Up once. Reason is one of the Reason constants or what was given
	// to Manager.Close.
	Down(peer protocol.PeerID, reason string)
	// DialFailed: a Dial came to nothing.
	DialFailed(peer protocol.PeerID, reason string)
	// Frame gets a frame and the time at which it was complete. The callee owns
	// frame. Until it returns nothing more is read from the peer, and the peer's
	// queue fills: that is how a busy host slows its peers.
	Frame(peer protocol.PeerID, frame []byte, at protocol.Time)
	// Congested: more than half of the room for control or fresh frames is taken.
	Congested(peer protocol.PeerID)
	// Drained: less than an eighth is, after Congested.
	Drained(peer protocol.PeerID)
	// Dropped: a frame was not sent, because its class had no room or it expired.
	// Tag is what Send was given with it.
	Dropped(peer protocol.PeerID, class protocol.Class, tag any)
	// Found: a peer was discovered on the LAN, with its addresses as binary
	// multiaddrs.
	Found(peer protocol.PeerID, addrs []string)
	// AddrsChanged: Manager.Addrs returns something else now.
	AddrsChanged()
}

// Reasons given to Down and DialFailed.
const (
	// ReasonPeerClosed: the peer closed the link in good order.
	ReasonPeerClosed = "closed by peer"
	// ReasonLost: the stream or the connection broke.
	ReasonLost = "connection lost"
	// ReasonMalformed: the peer sent what is no frame. It was charged.
	ReasonMalformed = "malformed frame"
	// ReasonStalled: the peer took nothing from us for Config.WriteTimeout.
	ReasonStalled = "write timed out"
	// ReasonReplaced: the peer began a new link; it was restarted, or lost this one.
	ReasonReplaced = "replaced by peer"
	// ReasonStopped: this host shuts down.
	ReasonStopped = "shutting down"
	// ReasonRelay: the relay passes on so much a connection, and this one has had it.
	ReasonRelay = "used up what the relay allows a connection"
	// ReasonUnreachable: no connection could be made.
	ReasonUnreachable = "unreachable"
	// ReasonPunch: the peer was met at a relay only, and no hole could be punched.
	ReasonPunch = "no hole could be punched"
	// ReasonNoGreeting: connected, but the peer did not greet (in time, or does not
	// speak the protocol, or refused us).
	ReasonNoGreeting = "no greeting from peer"
	// ReasonFull: too many links or dials.
	ReasonFull = "too many links or dials"
	// ReasonSelf: that is this host.
	ReasonSelf = "peer is this host"
)
