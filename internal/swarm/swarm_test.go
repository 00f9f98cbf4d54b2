package swarm

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Everybody gets everything, whatever the depth of the index, and few pieces come twice.
func TestSpread(t *testing.T) {
	for _, size := range []int{1, 1 << 10, 100 << 10, 3 << 20} { // the last with index pieces
		for seed := range uint64(3) {
			net := newNetwork(t, seed, 20).mesh()
			net.quick = size > 1<<20
			c := newContent(t, seed, size, 1<<10)
			net.publish(net.peers[0], c)
			net.wait(c, 2*time.Minute)
			got, twice := 0, 0
			for _, p := range net.peers[1:] {
				for _, n := range p.fetched {
					got++
					twice += n - 1
				}
			}
			if twice*50 > got {
				t.Errorf("seed %d, %d bytes: of %d pieces %d came twice", seed, size, got, twice)
			}
		}
	}
}

// The publisher's uplink carries little more than one copy while all others have one
// like it, and the whole is over in little more than the time of that copy.
func TestFirstCopy(t *testing.T) {
	for seed := range uint64(3) {
		net := newNetwork(t, seed, 30).mesh()
		net.quick = true
		for _, p := range net.peers {
			p.rate = 250 << 10
		}
		c := newContent(t, seed, 4<<20, 8<<10)
		net.publish(net.peers[0], c)
		took := net.wait(c, 5*time.Minute)
		one := 16 * time.Second
		if took > one*3/2 {
			t.Errorf("seed %d: all have it after %v, one copy takes %v", seed, took, one)
		}
		if sent := net.peers[0].pieces; sent > len(c.pieces)*8/5 {
			t.Errorf("seed %d: the publisher sent %d pieces of %d", seed, sent, len(c.pieces))
		}
		t.Logf("seed %d: %v for %v, publisher sent %d of %d", seed, took, one, net.peers[0].pieces, len(c.pieces))
	}
}

// Messages get lost, peers die and come, with what they have on disk: who stays has
// everything in the end.
func TestLossAndChurn(t *testing.T) {
	for seed := range uint64(6) {
		net := newNetwork(t, seed, 20).mesh()
		net.loss = 0.02
		net.quick = seed > 1
		for _, p := range net.peers {
			p.rate = 400 << 10
		}
		c := newContent(t, seed, 2<<20, 8<<10)
		net.publish(net.peers[0], c)
		for step := range 12 {
			net.run(time.Duration(net.now)+time.Second, nil)
			p := net.peers[1+net.rng.IntN(len(net.peers)-1)]
			if p.alive {
				net.kill(p)
				continue
			}
			net.boot(p)
			for range 4 {
				net.link(p, net.peers[net.rng.IntN(len(net.peers))])
			}
			net.link(p, net.peers[(step*7)%len(net.peers)])
			net.handle(p, protocol.Accepted{Item: c.item})
		}
		for i, p := range net.peers { // whom the dead have left without neighbours
			if p.alive && len(p.links) < 2 {
				net.link(p, net.peers[0])
				net.link(p, net.peers[(i+1)%len(net.peers)])
			}
		}
		net.wait(c, 5*time.Minute)
	}
}

// Whoever has a part from before asks for nothing of it again, also where the
// publisher begins anew.
func TestResume(t *testing.T) {
	net := newNetwork(t, 1, 8).mesh()
	c := newContent(t, 1, 3<<20, 1<<10)
	net.give(net.peers[0], c, 1)
	for _, p := range net.peers[1:] {
		net.give(p, c, 0.7)
	}
	had := make([]map[string]bool, len(net.peers))
	for i, p := range net.peers {
		had[i] = map[string]bool{}
		for k := range c.pieces {
			if p.disk[c.root].Has(k) {
				had[i][fmt.Sprint(c.root, k)] = true
			}
		}
	}
	net.quick = true
	net.wait(c, time.Minute)
	for i, p := range net.peers {
		for k := range p.fetched {
			if had[i][k] {
				t.Fatalf("%s fetched piece %s, which it had", p.id, k)
			}
		}
	}
}

// Liars: they serve garbage, say that they have what they lack, or never send. All
// others have everything in little more time, and who serves garbage is charged by
// everybody whom it reached, and asked nothing more.
func TestLiars(t *testing.T) {
	garbage := func(msg protocol.Message) protocol.Message {
		if p, ok := msg.(Piece); ok {
			p.Bytes = bytes.Clone(p.Bytes)
			p.Bytes[0] ^= 1
			return p
		}
		return msg
	}
	silent := func(msg protocol.Message) protocol.Message {
		if _, ok := msg.(Piece); ok {
			return nil
		}
		return msg
	}
	boast := func(msg protocol.Message) protocol.Message {
		switch m := msg.(type) {
		case Have:
			return Have{Root: m.Root, Ask: m.Ask, Form: All}
		case Piece, Sorry:
			return nil
		}
		return msg
	}
	for name, lies := range map[string]func(protocol.Message) protocol.Message{"garbage": garbage, "silent": silent, "boast": boast} { //tidy:orderless a test each
		for seed := range uint64(2) {
			time0, _ := spreadWith(t, seed, nil)
			time1, net := spreadWith(t, seed, lies)
			if time1 > 3*time0+15*time.Second {
				t.Errorf("%s, seed %d: %v with liars, %v without", name, seed, time1, time0)
			}
			t.Logf("%s, seed %d: %v with liars, %v without", name, seed, time1, time0)
			for _, p := range net.peers {
				for q, n := range p.charged {
					i := 0
					_, _ = fmt.Sscanf(string(q), "peer-%d", &i)
					if net.peers[i].lies == nil && p.lies == nil {
						t.Fatalf("%s, seed %d: the honest %s is charged", name, seed, q)
					}
					if n > MaxWindow {
						t.Errorf("%s, seed %d: %s goes on asking %s after %d forged pieces", name, seed, p.id, q, n)
					}
				}
			}
			if name == "garbage" && net.peers[5].lies != nil {
				charged := 0
				for _, p := range net.peers {
					charged += p.charged[net.peers[5].id]
				}
				if charged == 0 {
					t.Errorf("seed %d: nobody charges who serves garbage", seed)
				}
			}
		}
	}
}

func spreadWith(t *testing.T, seed uint64, lies func(protocol.Message) protocol.Message) (time.Duration, *network) {
	net := newNetwork(t, seed, 25).mesh()
	net.quick = true
	for i, p := range net.peers {
		p.rate = 250 << 10
		if lies != nil && i%5 == 0 && i > 0 {
			p.lies = lies
		}
	}
	for i, p := range net.peers { // nobody has only liars for neighbours: views see to that
		net.link(p, net.peers[(i+1)%25])
		net.link(p, net.peers[(i+7)%25])
	}
	c := newContent(t, seed, 2<<20, 8<<10)
	net.publish(net.peers[1], c)
	return net.wait(c, 5*time.Minute), net
}

// "No object is to send items over it that can come another way": a relayed link
// carries no pieces at all.
func TestRelayed(t *testing.T) {
	net := newNetwork(t, 1, 2)
	a, b := net.peers[0], net.peers[1]
	for _, l := range [][2]*testPeer{{a, b}, {b, a}} {
		l[0].links[l[1].id] = &testLink{to: l[1], delay: time.Millisecond}
		net.handle(l[0], protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: l[1].id, Relayed: true}}})
	}
	c := newContent(t, 1, 10<<10, 1<<10)
	net.publish(a, c)
	net.run(time.Minute, nil)
	if a.bytesOut+b.bytesOut > 0 {
		t.Errorf("%d bytes went over a relay", a.bytesOut+b.bytesOut)
	}
}

// What is sent stays within the budget.
func TestBudget(t *testing.T) {
	const rate = 100 << 10
	net := newNetwork(t, 1, 6)
	for _, p := range net.peers[1:] {
		net.link(net.peers[0], p) // a star: nobody else can help
	}
	net.handle(net.peers[0], protocol.BudgetChanged{UploadRate: rate})
	c := newContent(t, 1, 1<<20, 16<<10)
	net.publish(net.peers[0], c)
	begin := net.now
	for range 20 {
		net.run(time.Duration(net.now)+time.Second, nil)
		allowed := int(rate*net.now.Sub(begin).Seconds()) + rate/4 + 2*large64
		if sent := int(net.peers[0].m.stats.SentBytes); sent > allowed {
			t.Fatalf("after %v %d bytes were sent, %d allowed", net.now.Sub(begin), sent, allowed)
		}
	}
	if took := net.wait(c, 3*time.Minute); took > 2*time.Minute {
		t.Errorf("the rest takes %v", took)
	}
}

const large64 = 64 << 10
