package adversary

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	self   protocol.PeerID = "self"
	fellow protocol.PeerID = "fellow"
	alice  protocol.PeerID = "alice"
	bob    protocol.PeerID = "bob"
	author protocol.PeerID = "author"
)

const feedName = "the feed"

var feedID = protocol.TopicOf(feedName)

// rig is one attacker, or an honest host, under a hand clock: in a feed of author's,
// with alice and bob for its neighbours.
type rig struct {
	t   *testing.T
	m   protocol.Machine
	now protocol.Time
	out protocol.Outbox
}

// newRig returns a rig that has settled. The attack "" is none.
func newRig(t *testing.T, attack string) *rig {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	host := core.New(core.Config{Self: self}, rng)
	r := &rig{t: t, m: host, now: protocol.Time(time.Second)}
	if attack != "" {
		a, err := Named(attack)
		if err != nil {
			t.Fatal(err)
		}
		plot := NewPlot(bob)
		plot.enlist(recordOf(fellow))
		r.m = a.Wrap(plot)(host, rng)
	}
	r.do(core.SelfRecord{Record: recordOf(self)})
	r.do(protocol.Start{})
	r.do(core.Join{Name: feedName, Owner: author})
	for _, p := range []protocol.PeerID{alice, bob} {
		r.do(protocol.LinkUp{Link: protocol.Link{Peer: p}})
		r.hear(p, feedID, protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: 3})
	}
	return r
}

func recordOf(p protocol.PeerID) gossipmembership.Record {
	return gossipmembership.Record{Peer: p, Seq: 1, Addrs: []string{"at " + string(p)}}
}

// entry is the n-th of the feed.
func entry(n uint64) *protocol.Item {
	return protocol.NewItem(feedName, author, n, fmt.Appendf(nil, "entry %d", n))
}

// do gives an input and returns what comes of it; checks and writes succeed.
func (r *rig) do(in protocol.Input) []protocol.Effect {
	r.t.Helper()
	r.m.Handle(r.now, in, &r.out)
	var all []protocol.Effect
	for r.out.Len() > 0 {
		for _, e := range append([]protocol.Effect(nil), r.out.Take()...) {
			all = append(all, e)
			switch e := e.(type) {
			case protocol.Verify:
				r.m.Handle(r.now, protocol.Verified{Token: e.Token}, &r.out)
			case protocol.Store:
				r.m.Handle(r.now, protocol.Stored{Token: e.Token, OK: true}, &r.out)
			}
		}
	}
	return all
}

// hear gives a message.
func (r *rig) hear(from protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, msg protocol.Message) []protocol.Effect {
	r.t.Helper()
	return r.do(protocol.Received{From: protocol.Origin{Peer: from, Authenticated: true}, Topic: topic, Object: object, Msg: msg, At: r.now})
}

// pass lets time pass and returns what comes of it.
func (r *rig) pass(d time.Duration) (all []protocol.Effect) {
	r.t.Helper()
	end := r.now.Add(d)
	for calls := 0; r.m.Deadline() <= end; calls++ {
		if calls > 10_000 {
			r.t.Fatal("the deadline does not move on")
		}
		r.now = max(r.now, r.m.Deadline())
		r.m.Advance(r.now, &r.out)
		all = append(all, r.out.Take()...)
	}
	r.now = end
	return all
}

// said puts what goes to others into words, one a line.
func said(effects []protocol.Effect) string {
	var lines []string
	for _, e := range effects {
		switch e := e.(type) {
		case protocol.Send:
			lines = append(lines, fmt.Sprintf("%s: %s", string(e.To), words(e)))
		case protocol.FetchAndSend:
			lines = append(lines, fmt.Sprintf("%s: %d stored items", string(e.To), len(e.Items)))
		case protocol.FetchRange:
			lines = append(lines, fmt.Sprintf("%s: stored items %d-%d", string(e.To), e.First, e.Last))
		case core.Dial:
			lines = append(lines, fmt.Sprintf("dial %s", string(e.Peer)))
		case protocol.Close:
			lines = append(lines, fmt.Sprintf("close %s", string(e.Peer)))
		}
	}
	return strings.Join(lines, "\n")
}

// words says what is in a message.
func words(e protocol.Send) string {
	var recs []string
	for _, r := range core.RecordsIn(e.Msg) {
		recs = append(recs, string(r.Peer))
	}
	switch m := e.Msg.(type) {
	case protocol.Carry:
		return fmt.Sprintf("item %d", m.Item.Seq)
	case gossip.IHave:
		return fmt.Sprintf("announces %d", len(m.Items))
	case gossipmembership.NeighborReply:
		return fmt.Sprintf("accept %v %v", m.Accept, recs)
	case gossipmembership.Disconnect:
		return "disconnect"
	case gossipmembership.ShuffleReply:
		return fmt.Sprintf("members %v", recs)
	case gossipmembership.Neighbor:
		return fmt.Sprintf("neighbor, having %d", m.Degree)
	case antientropy.Answer:
		return fmt.Sprintf("promises %v", m.Ranges)
	case antientropy.Digest:
		return fmt.Sprintf("digest to %d", m.Top)
	}
	if len(recs) > 0 {
		return fmt.Sprintf("found %v", recs)
	}
	return fmt.Sprintf("message %d.%d", e.Object, e.Msg.Kind())
}

// of returns the effects of one type.
func of[E protocol.Effect](effects []protocol.Effect) (some []E) {
	for _, e := range effects {
		if e, ok := e.(E); ok {
			some = append(some, e)
		}
	}
	return some
}

// emit hands one effect of the core to an attacker and returns what becomes of it.
func (r *rig) emit(how conduct, e protocol.Effect) []protocol.Effect {
	m := r.m.(*machine)
	m.out = &r.out
	how.emit(r.now, e)
	return append([]protocol.Effect(nil), r.out.Take()...)
}

// act has an attacker do what it does of itself, so many times, while the core sleeps,
// and returns what comes of it.
func (r *rig) act(times int, every time.Duration) (all []protocol.Effect) {
	m := r.m.(*machine)
	for range times {
		m.out = &r.out
		m.how.act(r.now)
		all = append(all, r.out.Take()...)
		r.now = r.now.Add(every)
	}
	return all
}
