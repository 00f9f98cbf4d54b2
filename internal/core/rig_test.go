package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// rig is one host under a hand clock. After every input its invariants hold and its
// deadline is not behind.
type rig struct {
	t   *testing.T
	h   *Host
	now protocol.Time
	out protocol.Outbox
}

const (
	self  protocol.PeerID = "self"
	alice protocol.PeerID = "alice"
	bob   protocol.PeerID = "bob"
	carol protocol.PeerID = "carol"
	dave  protocol.PeerID = "dave"
)

const square = "the square"

// newRig returns a started host.
func newRig(t *testing.T, cfg Config) *rig {
	cfg.Self = self
	r := &rig{t: t, h: New(cfg, rand.New(rand.NewPCG(1, 2))), now: protocol.Time(time.Second)}
	r.do(SelfRecord{Record: testRecord(self)})
	r.do(protocol.Start{})
	return r
}

// peer is the n-th of many.
func peer(n int) protocol.PeerID { return protocol.PeerID(fmt.Sprintf("peer%06d", n)) }

func testRecord(p protocol.PeerID) gossipmembership.Record {
	return gossipmembership.Record{Peer: p, Seq: 1, Addrs: []string{"at " + string(p)}}
}

// do gives the host an input and returns what comes of it at once.
func (r *rig) do(in protocol.Input) []protocol.Effect {
	r.t.Helper()
	r.h.Handle(r.now, in, &r.out)
	if err := r.h.Invariants(); err != nil {
		r.t.Fatalf("after %T: %v", in, err)
	}
	return r.settle()
}

// settle advances what is due and checks what must hold.
func (r *rig) settle() []protocol.Effect {
	r.t.Helper()
	for i := 0; r.h.Deadline() <= r.now; i++ {
		if i > 100 {
			r.t.Fatalf("the deadline stays at %v, it is %v", r.h.Deadline(), r.now)
		}
		r.h.Advance(r.now, &r.out)
	}
	if err := r.h.Invariants(); err != nil {
		r.t.Fatal(err)
	}
	return slices.Clone(r.out.Take())
}

// wait lets d pass and returns what happens meanwhile.
func (r *rig) wait(d time.Duration) (effects []protocol.Effect) {
	r.t.Helper()
	end := r.now.Add(d)
	for r.h.Deadline() <= end {
		r.now = max(r.now, r.h.Deadline())
		effects = append(effects, r.settle()...)
	}
	r.now = end
	return effects
}

// sleep lets d pass without the host noticing.
func (r *rig) sleep(d time.Duration) []protocol.Effect {
	r.t.Helper()
	r.now = r.now.Add(d)
	return r.settle()
}

// link brings a link up that the peer has dialled.
func (r *rig) link(peers ...protocol.PeerID) {
	r.t.Helper()
	for _, p := range peers {
		r.do(protocol.LinkUp{Link: protocol.Link{Peer: p, RTT: 20 * time.Millisecond}})
	}
}

// hear gives the host a message of a peer, encoded and decoded.
func (r *rig) hear(from protocol.PeerID, topic string, object protocol.ObjectID, msg protocol.Message) []protocol.Effect {
	r.t.Helper()
	var id protocol.TopicID
	if topic != "" {
		id = protocol.TopicOf(topic)
	}
	f, err := protocol.ParseFrame(protocol.AppendFrame(nil, id, object, msg))
	if err != nil {
		r.t.Fatal(err)
	}
	again, err := Decode(f)
	if err != nil {
		r.t.Fatalf("%T: %v", msg, err)
	}
	return r.do(protocol.Received{From: protocol.Origin{Peer: from, Authenticated: true}, Topic: id, Object: object, Msg: again, At: r.now})
}

// member makes peers neighbours in a topic, by their own choice: as many as a view
// takes.
func (r *rig) member(topic string, peers ...protocol.PeerID) {
	r.t.Helper()
	for _, p := range peers {
		if r.h.links.get(p) == nil {
			r.link(p)
		}
		r.hear(p, topic, protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: 1})
		if t := r.h.topics.get(protocol.TopicOf(topic)); !t.isMember(p) {
			r.t.Fatalf("%s has not become a neighbour", p)
		}
	}
}

// carry gives the host an item.
func (r *rig) carry(from protocol.PeerID, it *protocol.Item) []protocol.Effect {
	r.t.Helper()
	return r.hear(from, it.TopicName, protocol.ObjectGossip, protocol.Carry{Item: it})
}

// of returns the effects of one type.
func of[E protocol.Effect](effects []protocol.Effect) (list []E) {
	for _, e := range effects {
		if e, ok := e.(E); ok {
			list = append(list, e)
		}
	}
	return list
}

// sent returns the messages of one type and whom they go to.
func sent[M protocol.Message](effects []protocol.Effect) (msgs []M, to []protocol.PeerID) {
	for _, s := range of[protocol.Send](effects) {
		if m, ok := s.Msg.(M); ok {
			msgs, to = append(msgs, m), append(to, s.To)
		}
	}
	return msgs, to
}

// say describes effects, one word or two each, for tables. What views, gossip and
// repair say to others is left out.
func say(effects []protocol.Effect) string {
	var words []string
	for _, e := range effects {
		if w := sayOne(e); w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

func sayOne(e protocol.Effect) string {
	switch e := e.(type) {
	case protocol.Verify:
		return fmt.Sprintf("verify %d", e.Token)
	case protocol.Store:
		return fmt.Sprintf("store %d", e.Token)
	case protocol.Deliver:
		return fmt.Sprintf("deliver from %s", string(e.From))
	case protocol.Close:
		return fmt.Sprintf("close %s", string(e.Peer))
	case Ban:
		return fmt.Sprintf("ban %s", string(e.Peer))
	case Dial:
		return fmt.Sprintf("dial %s", string(e.Peer))
	case Receipts:
		return "receipts " + names(e.Peers)
	case protocol.Event:
		if strings.HasPrefix(e.Name, "core.") && !strings.HasPrefix(e.Name, "core.link") {
			return strings.TrimPrefix(e.Name, "core.")
		}
	case protocol.Send:
		if e.Object == protocol.ObjectReceipts || e.Topic.IsZero() && e.Object == protocol.ObjectHost {
			return fmt.Sprintf("%s to %s", strings.TrimPrefix(fmt.Sprintf("%T", e.Msg), "core."), string(e.To))
		}
	}
	return ""
}

// names writes peers in one word.
func names(peers []protocol.PeerID) string {
	var words []string
	for _, p := range peers {
		words = append(words, string(p))
	}
	return strings.Join(words, "+")
}

// want compares what effects say.
func (r *rig) want(effects []protocol.Effect, want string) {
	r.t.Helper()
	if got := say(effects); got != want {
		r.t.Errorf("got  %s\nwant %s", got, want)
	}
}
