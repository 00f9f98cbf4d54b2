package node

import (
	"fmt"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// Ticket makes a ticket: this peer's addresses and those of some peers that
// worked, so that it is of use even when this peer is gone, and the names of
// topics it leads to; behind a feed's address "#" and a name may suggest what to
// call it. Whoever has it can make contact; it contains no secret.
func (n *Node) Ticket(topics ...string) (string, error) {
	t := gossipmembership.Ticket{Topics: topics}
	t.Peers = append(t.Peers, gossipmembership.Contact{Peer: n.id, Addrs: clip(links.Lasting(n.links.Addrs()))})
	n.look(func(_ protocol.Time, h *core.Host) {
		for _, rec := range h.Contacts(gossipmembership.MaxTicketPeers) {
			if len(t.Peers) < maxTicketPeers && len(rec.Addrs) > 0 && rec.Peer != n.id {
				t.Peers = append(t.Peers, gossipmembership.Contact{Peer: rec.Peer, Addrs: twoOf(rec.Addrs)})
			}
		}
	})
	return t.Encode()
}

// maxTicketPeers keeps a ticket short enough for a QR code on a screen (our guess).
const maxTicketPeers = 3

// clip bounds a list of addresses to what records and tickets carry.
func clip(addrs []string) []string {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a string) bool { return len(a) > gossipmembership.MaxAddrLen })
	return addrs[:min(len(addrs), gossipmembership.MaxAddrs)]
}

// twoOf are the best of a peer's addresses, and one that gets through most firewalls
// if there is one.
func twoOf(addrs []string) []string {
	addrs = links.Lasting(addrs)
	for i := 1; i < len(addrs); i++ {
		a, err := ma.NewMultiaddrBytes([]byte(addrs[i]))
		if err == nil && links.TransportOf(a) == links.WSS {
			return []string{addrs[0], addrs[i]}
		}
	}
	return addrs[:min(2, len(addrs))]
}

// AddTicket makes contact with the peers that a ticket names, and returns the
// names of the topics in it as Ticket got them, which it does not join.
func (n *Node) AddTicket(text string) (topics []string, err error) {
	t, err := gossipmembership.ParseTicket(text)
	if err != nil {
		return nil, err
	}
	n.addTicket(t)
	return t.Topics, nil
}

// addTicket tells the core whom a ticket names.
func (n *Node) addTicket(t gossipmembership.Ticket) {
	var c core.Contacts
	for _, p := range t.Peers {
		c.Records = append(c.Records, gossipmembership.Record{Peer: p.Peer, Addrs: p.Addrs})
	}
	n.tell(c)
	for _, name := range t.Topics {
		name, _ = SplitSuggestion(name)
		c.Topic = protocol.TopicOf(name)
		n.tell(c)
	}
}

// SplitSuggestion splits a ticket's topic into a feed's address and the name
// suggested for it; what is no feed's address is left whole.
func SplitSuggestion(topic string) (name, suggestion string) {
	address, suggestion, ok := strings.Cut(topic, "#")
	if _, isFeed := feed.Owner(address); !ok || !isFeed {
		return topic, ""
	}
	return address, suggestion
}

// parseTickets reads tickets, all or none.
func parseTickets(texts []string) ([]gossipmembership.Ticket, error) {
	var list []gossipmembership.Ticket
	for _, text := range texts {
		t, err := gossipmembership.ParseTicket(text)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// addrText turns binary multiaddrs into text, leaving out what is none.
func addrText(addrs []string) []string {
	var list []string
	for _, a := range addrs {
		if m, err := ma.NewMultiaddrBytes([]byte(a)); err == nil {
			list = append(list, m.String())
		}
	}
	return list
}

// Addrs returns the addresses at which this peer listens, with its ID, as text.
func (n *Node) Addrs() []string {
	list := addrText(n.links.Addrs())
	for i := range list {
		list[i] = fmt.Sprintf("%s/p2p/%s", list[i], n.id)
	}
	return list
}
