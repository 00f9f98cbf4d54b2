package gossipmembership

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a ticket. With two peers of three addresses and one feed it has some
// 300 characters, which a QR code on a screen carries easily.
const (
	MaxTicketPeers  = 4
	MaxTicketTopics = 8
)

// Ticket is a first contact, handed from person to person as text or QR code: how
// to reach some peers, and which topics they share. It is not signed: whoever
// hands it over is trusted to know the peers, whose IDs the transport then
// proves.
type Ticket struct {
	// Peers are 1 to MaxTicketPeers; any one of them is enough to join.
	Peers []Contact
	// Topics are names of topics, at most MaxTicketTopics.
	Topics []string
}

// Contact is a peer and where to find it.
type Contact struct {
	Peer PeerID
	// Addrs are multiaddrs in binary form, at most MaxAddrs of at most
	// MaxAddrLen bytes. Their meaning is not checked here.
	Addrs []string
}

// TicketError says what is wrong with a ticket, and what a person can do about it.
type TicketError struct{ Problem, Advice string }

// Error returns both sentences.
func (e *TicketError) Error() string { return e.Problem + ": " + e.Advice }

// check refuses what could not be decoded again.
func (t Ticket) check() error {
	if len(t.Peers) == 0 || len(t.Peers) > MaxTicketPeers {
		return fmt.Errorf("a ticket names 1 to %d peers, not %d", MaxTicketPeers, len(t.Peers))
	}
	if len(t.Topics) > MaxTicketTopics {
		return fmt.Errorf("a ticket names at most %d topics, not %d", MaxTicketTopics, len(t.Topics))
	}
	for _, c := range t.Peers {
		if _, err := peer.IDFromBytes([]byte(c.Peer)); err != nil || len(c.Peer) > protocol.MaxPeerIDLen {
			return fmt.Errorf("the ticket's peer ID %q is not one", string(c.Peer))
		}
		if len(c.Addrs) > MaxAddrs {
			return fmt.Errorf("a ticket has at most %d addresses a peer, not %d", MaxAddrs, len(c.Addrs))
		}
		for _, a := range c.Addrs {
			if len(a) == 0 || len(a) > MaxAddrLen {
				return fmt.Errorf("a ticket's address has 1 to %d bytes, not %d", MaxAddrLen, len(a))
			}
		}
	}
	for _, name := range t.Topics {
		if len(name) == 0 || len(name) > protocol.MaxTopicName || !utf8.ValidString(name) {
			return fmt.Errorf("the ticket's topic %q is no name of 1 to %d bytes", name, protocol.MaxTopicName)
		}
	}
	return nil
}

// appendTo appends the binary form.
//
//	peers:count,(peer:bytes addrs:count,bytes…)… topics:count,bytes…
func (t Ticket) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t.Peers)))
	for _, c := range t.Peers {
		b = protocol.AppendPeer(b, c.Peer)
		b = binary.AppendUvarint(b, uint64(len(c.Addrs)))
		for _, a := range c.Addrs {
			b = protocol.AppendBytes(b, []byte(a))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(t.Topics)))
	for _, name := range t.Topics {
		b = protocol.AppendBytes(b, []byte(name))
	}
	return b
}

// readTicket reads the binary form and checks it.
func readTicket(b []byte) (Ticket, error) {
	r := protocol.NewReader(b)
	var t Ticket
	for range r.Count(MaxTicketPeers, 3) {
		c := Contact{Peer: readPeer(r)}
		for range r.Count(MaxAddrs, 2) {
			c.Addrs = append(c.Addrs, string(readNonEmpty(r, MaxAddrLen)))
		}
		t.Peers = append(t.Peers, c)
	}
	for range r.Count(MaxTicketTopics, 2) {
		t.Topics = append(t.Topics, string(readNonEmpty(r, protocol.MaxTopicName)))
	}
	if err := r.Done(); err != nil {
		return Ticket{}, err
	}
	return t, t.check()
}
