package core_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

var flagSeed = flag.Uint64("seed", 0, "replay one seed of a sweep instead of all")

// overheard runs a small lossy crowd and returns one message after another of what
// its hosts say: every kind that peers use.
func overheard() (msgs []protocol.Send) {
	kinds := make(map[string]int)
	net := sim.New(sim.Config{Seed: 1, Loss: 0.2, Watch: func(_ *sim.Host, e protocol.Effect) {
		s, ok := e.(protocol.Send)
		if !ok {
			return
		}
		kind := fmt.Sprintf("%T %v", s.Msg, s.Topic)
		if kinds[kind]++; kinds[kind] <= 200 {
			msgs = append(msgs, s)
		}
	}})
	for i := range 12 {
		h := net.Add()
		h.Join("feed", net.Hosts()[0].ID())
		h.Join("open", "")
		if i > 0 {
			h.Contact(net.Hosts()[i/2])
		}
	}
	net.Run(15 * time.Second)
	for i := range 40 {
		net.Hosts()[0].Publish("feed", []byte("entry"))
		it := net.Hosts()[1+i%5].Publish("open", []byte("item"))
		net.Hosts()[1+i%5].AwaitReceipts(it, protocol.Never)
		if i == 20 {
			net.Hosts()[11].Kill()
		}
		net.Run(time.Duration(net.Now()) + 200*time.Millisecond)
	}
	net.Run(40 * time.Second)
	return msgs
}

// chaos draws inputs for one host: in no order that a driver would keep to.
type chaos struct {
	rng    *rand.Rand
	msgs   []protocol.Send
	peers  []protocol.PeerID
	topics []string
	tokens uint64 // at least as many have been given out
}

func (c *chaos) peer() protocol.PeerID { return c.peers[c.rng.IntN(len(c.peers))] }

func (c *chaos) topic() protocol.TopicID {
	return protocol.TopicOf(c.topics[c.rng.IntN(len(c.topics))])
}

func (c *chaos) item() *protocol.Item {
	it := protocol.NewItem(c.topics[c.rng.IntN(len(c.topics))], c.peer(), c.rng.Uint64N(50), []byte{byte(c.rng.IntN(3))})
	if c.rng.IntN(3) == 0 {
		it = it.WithSignature([]byte{byte(c.rng.IntN(8))}, nil)
	}
	return it
}

func (c *chaos) record() gossipmembership.Record {
	p := c.peer()
	return gossipmembership.Record{Peer: p, Seq: c.rng.Uint64N(4), Addrs: []string{string(p)}}
}

// token is mostly one that was given out lately.
func (c *chaos) token() uint64 { return max(1, c.tokens+2-min(c.tokens, c.rng.Uint64N(40))) }

func (c *chaos) verdict() protocol.Verdict {
	switch c.rng.IntN(20) {
	case 0:
		return protocol.Invalid
	case 1, 2:
		return protocol.Known
	case 3:
		return protocol.Undecided
	}
	return protocol.Valid
}

func (c *chaos) message() protocol.Received {
	s := c.msgs[c.rng.IntN(len(c.msgs))]
	in := protocol.Received{From: protocol.Origin{Peer: c.peer(), Authenticated: c.rng.IntN(20) > 0}, Topic: s.Topic, Object: s.Object, Msg: s.Msg}
	switch c.rng.IntN(10) {
	case 0:
		in.Object = protocol.ObjectID(c.rng.IntN(6))
	case 1:
		in.Topic = c.topic()
	case 2, 3, 4:
		it := c.item()
		in.Topic, in.Object, in.Msg = it.Topic, protocol.ObjectGossip, protocol.Carry{Item: it}
	case 5:
		in.Topic = c.topic()
		in.Object, in.Msg = protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: c.rng.IntN(3)}
	}
	return in
}

// input draws one input; what a host hears most comes most.
func (c *chaos) input(now protocol.Time) protocol.Input {
	p := c.peer()
	switch n := c.rng.IntN(100); {
	case n < 45:
		return c.message()
	case n < 60:
		return protocol.LinkUp{Link: protocol.Link{Peer: p, Outbound: c.rng.IntN(2) == 0,
			RTT: time.Duration(c.rng.Int64N(int64(time.Second))) * time.Duration(c.rng.IntN(2))}}
	case n < 63:
		return protocol.LinkDown{Peer: p, Reason: "chaos"}
	case n < 66:
		return protocol.DialFailed{Peer: p, Reason: "chaos"}
	case n < 76:
		return protocol.Verified{Token: c.token(), Verdict: c.verdict()}
	case n < 84:
		return protocol.Stored{Token: c.token(), OK: c.rng.IntN(3) > 0}
	default:
		return c.command(now, p)
	}
}

func (c *chaos) command(now protocol.Time, p protocol.PeerID) protocol.Input {
	switch c.rng.IntN(40) {
	case 0, 1, 2, 3, 4, 5:
		in := core.Join{Name: c.topics[c.rng.IntN(len(c.topics))]}
		if in.Name == "feed" {
			in.Owner = "sim-host-000000"
			in.Held = []antientropy.Run{{Range: antientropy.Range{First: 1, Last: 1 + c.rng.Uint64N(9)}}}
		}
		return in
	case 6:
		return core.Leave{Topic: c.topic()}
	case 7, 8, 9, 10:
		return core.Published{Item: c.item()}
	case 11:
		return core.Pruned{Topic: c.topic(), Low: c.rng.Uint64N(20)}
	case 12, 13, 14, 15:
		return core.AwaitReceipts{Topic: c.topic(), ID: c.item().ID, Until: now.Add(time.Duration(c.rng.Int64N(int64(time.Minute))) - time.Second)}
	case 16, 17, 18, 19, 20, 21, 22, 23, 24:
		return core.Contacts{Records: []gossipmembership.Record{c.record(), c.record()}, From: c.peer(), Topic: c.topic(), Remembered: c.rng.IntN(5) == 0}
	case 25:
		return core.SelfRecord{Record: gossipmembership.Record{Peer: "sim-host-000003", Seq: c.rng.Uint64N(9)}}
	case 26:
		if c.rng.IntN(5) == 0 {
			return core.Misconduct{Peer: p}
		}
		return protocol.BudgetChanged{}
	case 27:
		return protocol.Start{}
	case 28:
		return protocol.Drain{}
	case 29:
		if c.rng.IntN(30) == 0 {
			return protocol.Stop{}
		}
		return protocol.EUIDChanged{}
	case 30, 31, 32:
		return protocol.Congested{Peer: p}
	case 33, 34, 35:
		return protocol.Drained{Peer: p}
	default:
		s := c.msgs[c.rng.IntN(len(c.msgs))]
		d := protocol.SendDropped{Peer: p, Topic: s.Topic, Object: s.Object, Class: s.Class}
		if carry, ok := s.Msg.(protocol.Carry); ok {
			d.Item = carry.Item
		}
		return d
	}
}

// TestChaos gives one host inputs in any order, sensible or not, and checks after
// each that its invariants hold and that its deadline moves on.
func TestChaos(t *testing.T) {
	msgs := overheard()
	kinds := make(map[string]bool)
	for _, s := range msgs {
		kinds[fmt.Sprintf("%T", s.Msg)] = true
	}
	if len(kinds) < 18 {
		t.Fatalf("the crowd has only said %v", kinds)
	}
	first, n, events := uint64(1), 8, 4000
	switch {
	case *flagSeed != 0:
		first, n = *flagSeed, 1
	case os.Getenv("QUILT_LONG") != "":
		n = 400
	case testing.Short():
		n = 2
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			c := &chaos{rng: rand.New(rand.NewPCG(seed, 0)), msgs: slices.Clone(msgs), topics: []string{"feed", "open", "third", "fourth"}}
			for i := range 4 + 40*int(seed%4) { // from few peers to more than there are places
				c.peers = append(c.peers, protocol.PeerID(fmt.Sprintf("sim-host-%06d", i)))
			}
			c.run(t, seed, events)
		})
	}
}

func (c *chaos) run(t *testing.T, seed uint64, events int) {
	h := core.New(core.Config{Self: "sim-host-000003", BanFor: 20 * time.Second}, rand.New(rand.NewPCG(seed, 1)))
	var out protocol.Outbox
	var now protocol.Time
	doing := "nothing"
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("replay: go test ./internal/core -run TestChaos -seed %d; on %s", seed, doing)
			panic(r)
		}
	}()
	for i := range events {
		in := c.input(now)
		doing = fmt.Sprintf("event %d at %v: %T%+v", i, now, in, in)
		h.Handle(now, in, &out)
		if err := h.Invariants(); err != nil {
			t.Fatalf("on %s: %v\nreplay: go test ./internal/core -run TestChaos -seed %d", doing, err, seed)
		}
		advances := 0
		for ; h.Deadline() <= now && advances < 100; advances++ {
			h.Advance(now, &out)
		}
		if err := h.Invariants(); err != nil || advances == 100 {
			t.Fatalf("after %s: %v; deadline %v\nreplay: go test ./internal/core -run TestChaos -seed %d", doing, err, h.Deadline(), seed)
		}
		for _, e := range out.Take() {
			switch e := e.(type) {
			case protocol.Verify:
				c.tokens = max(c.tokens, e.Token)
			case protocol.Store:
				c.tokens = max(c.tokens, e.Token)
			case protocol.Send:
				if c.rng.IntN(20) == 0 { // some of it comes back, with the nonces of now
					c.msgs[c.rng.IntN(len(c.msgs))] = e
				}
			}
		}
		if i%16 == 0 {
			h.Explain(now)
			h.Contacts(3)
		}
		now = now.Add(c.pause())
	}
	t.Logf("%d tokens, %d links, %d topics at the end", c.tokens, len(h.Explain(now).Links), len(h.Explain(now).Topics))
}

// pause is mostly short, and sometimes long enough for links to die.
func (c *chaos) pause() time.Duration {
	switch n := c.rng.IntN(1000); {
	case n < 500:
		return 0
	case n < 980:
		return time.Duration(c.rng.Int64N(int64(20 * time.Millisecond)))
	case n < 998:
		return time.Duration(c.rng.Int64N(int64(time.Second)))
	}
	return time.Duration(c.rng.Int64N(int64(20 * time.Second)))
}
