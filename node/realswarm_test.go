package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
)

// realSwarm is peers as they ship, but for the wires between them.
type realSwarm struct {
	t     *testing.T
	ether *ether
	start time.Time
	nodes []*Node
	said  map[string]map[int]*Topic // by name of topic
	wg    sync.WaitGroup

	mu  sync.Mutex
	got [][]reading
}

// newRealSwarm is to be called in a bubble of synctest.
func newRealSwarm(t *testing.T, p *plan) *realSwarm {
	return &realSwarm{t: t, start: time.Now(), ether: newEther(t, p.mbps, p.latency),
		said: map[string]map[int]*Topic{theFeed: {}, theSquare: {}}}
}

func (s *realSwarm) now() time.Duration { return time.Since(s.start) }

func (s *realSwarm) pass(d time.Duration) { time.Sleep(d) }

func (s *realSwarm) add(contact int) {
	i := len(s.nodes)
	n := start(s.t, s.t.TempDir(), s.ether.join(s.t, i))
	s.nodes = append(s.nodes, n)
	s.mu.Lock()
	s.got = append(s.got, nil)
	s.mu.Unlock()
	if i == planAuthor {
		s.said[theFeed][i] = newFeed(s.t, n, theFeed)
	} else {
		s.said[theFeed][i] = follow(s.t, n, s.said[theFeed][planAuthor])
	}
	s.said[theSquare][i] = join(s.t, n, theSquare)
	for _, topic := range []string{theFeed, theSquare} {
		sub := subscribe(s.t, s.said[topic][i])
		s.wg.Go(func() { s.follow(i, topic, sub) })
	}
	if i > 0 {
		s.meet(n, s.nodes[contact])
	}
}

// meet gives a peer a ticket with another and nobody else.
func (s *realSwarm) meet(n, other *Node) {
	text, err := gossipmembership.Ticket{Peers: []gossipmembership.Contact{{Peer: other.ID(), Addrs: other.links.Addrs()}}}.Encode()
	if err == nil {
		_, err = n.AddTicket(text)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// follow reads until the peer is closed. What is no item has no text.
func (s *realSwarm) follow(host int, topic string, sub *Subscription) {
	for {
		m, err := sub.Next(context.Background())
		if err != nil {
			if !errors.Is(err, ErrClosed) {
				s.t.Errorf("host %d reading the %s: %v", host, topic, err)
			}
			return
		}
		r := reading{topic, string(m.Payload), s.now()}
		s.mu.Lock()
		s.got[host] = append(s.got[host], r)
		s.mu.Unlock()
	}
}

func (s *realSwarm) publish(host int, topic, text string) {
	publish(s.t, s.said[topic][host], text)
}

// kill cuts the host off, then ends it: what it says when it stops nobody hears.
func (s *realSwarm) kill(host int) {
	s.ether.cut(host)
	s.wg.Go(func() { closeNode(s.t, s.nodes[host]) })
}

func (s *realSwarm) read(host int) []reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[host]
}

func (s *realSwarm) copies(host int) (sum uint64) {
	st, err := s.nodes[host].Status()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, topic := range st.Topics {
		sum += topic.Stats.Received
	}
	return sum
}

// close ends all peers at once.
func (s *realSwarm) close() {
	for _, n := range s.nodes {
		s.wg.Go(func() { closeNode(s.t, n) })
	}
	s.wg.Wait()
}
