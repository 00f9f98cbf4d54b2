package links

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestDialFails: every way in which a dial comes to nothing is told once.
func TestDialFails(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		hasty := func(c *Config) { c.DialTimeout = 300 * time.Millisecond }
		gone := newNode(t, listen)
		goneID, goneAddrs := gone.ID(), gone.Addrs()
		gone.stop(t)
		silent := newRaw(t, listen, true)
		mute := newRaw(t, listen, false)
		refuses := newNode(t, listen)
		refuses.rec.refuse = true // before anyone dials

		for _, c := range []struct {
			name   string
			peer   protocol.PeerID
			addrs  []string
			change func(*Config)
			want   string
		}{
			{"nobody there", goneID, goneAddrs, hasty, ReasonUnreachable},
			{"no address", newRaw(t, listen, true).ID(), nil, func(*Config) {}, ReasonUnreachable},
			{"never greets", silent.ID(), sortAddrs(silent.Addrs()), hasty, ReasonNoGreeting},
			{"another protocol", mute.ID(), sortAddrs(mute.Addrs()), func(*Config) {}, ReasonNoGreeting},
			{"refuses us", refuses.ID(), refuses.Addrs(), func(*Config) {}, ReasonNoGreeting},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := newNode(t, listen, c.change)
				a.Dial(c.peer, c.addrs)
				a.Dial(c.peer, c.addrs)
				await(t, "failure", func() bool { return a.rec.last(c.peer) != "" })
				if got := a.rec.events(c.peer); len(got) != 1 || got[0] != "failed "+c.want {
					t.Errorf("events: %q, want failed %q", got, c.want)
				}
				if n := a.Counters(); n.DialsFailed != 1 || n.Dials != 1 {
					t.Errorf("counters: %+v", n)
				}
				if len(a.Peers()) != 0 {
					t.Errorf("Peers: %+v", a.Peers())
				}
				// Elsewhere identify may still be speaking.
				if c.name == "never greets" && len(a.host.Network().ConnsToPeer(c.peer)) != 0 {
					t.Error("the next dial will use the same connection")
				}
			})
		}
		if refuses.Counters().Refused != 1 {
			t.Errorf("refused %d, want 1", refuses.Counters().Refused)
		}
	})
}

// TestDialNobody: what can be no other peer is not dialled.
func TestDialNobody(t *testing.T) {
	a := newNode(t, transports["quic"])
	for id, want := range map[protocol.PeerID]string{
		a.ID(): ReasonSelf, "": ReasonUnreachable, "no multihash": ReasonUnreachable,
	} {
		a.Dial(id, a.Addrs())
		await(t, "failure", func() bool { return a.rec.last(id) == "failed "+want })
	}
	if n := a.Counters(); n.DialsFailed != 3 || n.Dials != 0 {
		t.Errorf("counters: %+v", n)
	}
}

// TestCloseWhileDialling: the dial fails with the reason given.
func TestCloseWhileDialling(t *testing.T) {
	silent := newRaw(t, transports["quic"], true)
	a := newNode(t, transports["quic"])
	a.Dial(silent.ID(), sortAddrs(silent.Addrs()))
	silent.accepted()
	a.Close(silent.ID(), "changed my mind")
	await(t, "failure", func() bool { return a.rec.last(silent.ID()) == "failed changed my mind" })
}

// TestMalformed: what is no frame ends the link and is charged to the peer.
func TestMalformed(t *testing.T) {
	two31 := binary.AppendUvarint(nil, 1<<31)
	for _, c := range []struct {
		name string
		send func(p *rawPeer, out, in network.Stream)
	}{
		{"frame that claims 2 GiB", func(p *rawPeer, out, _ network.Stream) { p.write(out, append(two31, make([]byte, 1000)...)) }},
		{"frame one too long", func(p *rawPeer, out, _ network.Stream) {
			p.write(out, binary.AppendUvarint(nil, protocol.MaxFrame+1))
		}},
		{"empty frame", func(p *rawPeer, out, _ network.Stream) { p.write(out, []byte{0}) }},
		{"length not minimal", func(p *rawPeer, out, _ network.Stream) { p.write(out, []byte{0x81, 0}) }},
		{"bytes on our stream", func(p *rawPeer, _, in network.Stream) { p.write(in, []byte("oops")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			overEach(t, func(t *testing.T, listen string) {
				a := newNode(t, listen)
				p := newRaw(t, listen, true)
				out, in := p.link(a)
				c.send(p, out, in)
				await(t, "down", func() bool { return a.rec.last(p.ID()) == "down "+ReasonMalformed })
				if a.Charges(p.ID()) != 1 || a.Counters().Malformed != 1 {
					t.Errorf("charges %d, malformed %d, want 1 and 1", a.Charges(p.ID()), a.Counters().Malformed)
				}
				if _, err := out.Read(make([]byte, 1)); err == nil {
					t.Error("the peer's stream was not reset")
				}
			})
		})
	}
}

// TestMalformedGreeting: a stream that does not begin with a greeting makes no link.
func TestMalformedGreeting(t *testing.T) {
	a := newNode(t, transports["tcp"])
	for _, b := range [][]byte{
		framed(make([]byte, greetingHead)),   // session zero
		framed(make([]byte, greetingHead-1)), // too short
		binary.AppendUvarint(nil, maxGreeting+1),
	} {
		p := newRaw(t, transports["tcp"], true)
		s := p.dial(a)
		p.write(s, b)
		await(t, "charge", func() bool { return a.Charges(p.ID()) == 1 })
		if got := a.rec.events(p.ID()); len(got) != 0 {
			t.Errorf("events: %q", got)
		}
	}
}

// TestLost: a link whose streams or connection break goes down, in whatever half.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *rawPeer, out, in network.Stream)
		want string
	}{
		{"peer resets its stream", func(_ *rawPeer, out, _ network.Stream) { _ = out.Reset() }, ReasonLost},
		{"peer resets our stream", func(_ *rawPeer, _, in network.Stream) { _ = in.Reset() }, ReasonLost},
		{"peer ends its stream", func(_ *rawPeer, out, _ network.Stream) { _ = out.CloseWrite() }, ReasonPeerClosed},
		{"peer ends within a frame", func(p *rawPeer, out, _ network.Stream) {
			p.write(out, []byte{10, 1, 2, 3})
			_ = out.CloseWrite()
		}, ReasonLost},
		{"connection closed", func(p *rawPeer, _, _ network.Stream) { _ = p.Close() }, ReasonLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			overEach(t, func(t *testing.T, listen string) {
				a := newNode(t, listen)
				p := newRaw(t, listen, true)
				out, in := p.link(a)
				c.do(p, out, in)
				await(t, "down", func() bool { return strings.HasPrefix(a.rec.last(p.ID()), "down") })
				if a.rec.last(p.ID()) != "down "+c.want || a.Charges(p.ID()) != 0 || a.rec.got() != 0 {
					t.Errorf("events %q, charges %d; want down %q and no charge", a.rec.events(p.ID()), a.Charges(p.ID()), c.want)
				}
			})
		})
	}
}

// TestHalfOpen: a peer that stops reading our stream, while its own goes on, loses
// the link as soon as something is sent.
func TestHalfOpen(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a := newNode(t, listen, func(c *Config) { c.WriteTimeout = 200 * time.Millisecond })
		p := newRaw(t, listen, true)
		_, in := p.link(a)
		_ = in.CloseRead()
		await(t, "down", func() bool {
			a.Send(p.ID(), protocol.Repair, protocol.Never, make([]byte, protocol.MaxFrame), nil)
			return strings.HasPrefix(a.rec.last(p.ID()), "down")
		})
	})
}

// TestOldSession: an answer to a session given up since neither makes nor breaks a
// link, nor does an older stream of the same process.
func TestOldSession(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a := newNode(t, listen)
		p := newRaw(t, listen, true)
		refused := func(s network.Stream) {
			t.Helper()
			if _, err := s.Read(make([]byte, 1)); err == nil {
				t.Error("stream was not reset")
			}
			_ = s.Reset() // or it still counts at the peer
		}
		s := p.dial(a)
		p.greet(s, session{1, 1})
		refused(s)
		p.serial = 10
		p.link(a)
		s = p.dial(a)
		p.greet(s, session{1, 1})
		refused(s)
		s = p.dial(a)
		p.serial = 9 // 11 is the one that is up
		p.greet(s, session{})
		refused(s)
		if got := fmt.Sprint(a.rec.events(p.ID())); got != "[up]" {
			t.Errorf("events: %s", got)
		}
		p.serial = 20
		p.greet(p.dial(a), session{})
		answer := p.greeted(p.accepted())
		if answer.answers != (session{7, 21}) {
			t.Errorf("answered %v", answer.answers)
		}
		await(t, "the link to be replaced", func() bool {
			return fmt.Sprint(a.rec.events(p.ID())) == "[up down "+ReasonReplaced+" up]"
		})
	})
}

// TestStrangersAreBounded: those that connect and do not greet, and those that want
// links, leave room for the links this host wants.
func TestStrangersAreBounded(t *testing.T) {
	a := newNode(t, transports["tcp"], func(c *Config) { c.MaxLinks, c.MaxInbound, c.MaxConns = 3, 2, 32 })
	var waiting []network.Stream
	for range MaxGreetings / maxPeerStreams {
		p := newRaw(t, transports["tcp"], true)
		for range maxPeerStreams {
			s := p.dial(a)
			p.write(s, []byte{50}) // part of a greeting
			waiting = append(waiting, s)
		}
	}
	await(t, "all places taken", func() bool { return len(a.greetings) == MaxGreetings })
	late := newRaw(t, transports["tcp"], true)
	s := late.dial(a)
	late.write(s, []byte{50})
	p := newNode(t, transports["tcp"])
	await(t, "refusal", func() bool { return a.Counters().Refused == 1 })
	_ = s.Reset()
	// Who is expected needs no place.
	a.link(t, p)
	for _, s := range waiting {
		_ = s.Reset()
	}
	await(t, "places free", func() bool { return len(a.greetings) == 0 })

	newRaw(t, transports["tcp"], true).link(a)
	newRaw(t, transports["tcp"], true).link(a)
	third := newRaw(t, transports["tcp"], true)
	third.greet(third.dial(a), session{})
	await(t, "refusal", func() bool { return a.Counters().Refused == 2 })
	if n := len(a.Peers()); n != 3 {
		t.Errorf("%d links, want 3", n)
	}
	a.Dial(third.ID(), nil)
	await(t, "failure", func() bool { return a.rec.last(third.ID()) == "failed "+ReasonFull })
}

// TestPendingDialsAreBounded: MaxDials work, MaxPendingDials wait, more fail at once.
func TestPendingDialsAreBounded(t *testing.T) {
	a := newNode(t, transports["tcp"])
	silent := newRaw(t, transports["tcp"], true)
	for range MaxDials {
		a.dialSlots <- struct{}{}
	}
	var peers []protocol.PeerID
	for range MaxPendingDials + 1 {
		p := idOf(t, newKey(t))
		peers = append(peers, p)
		a.Dial(p, sortAddrs(silent.Addrs()))
	}
	last := peers[MaxPendingDials]
	await(t, "failure", func() bool { return a.rec.last(last) == "failed "+ReasonFull })
	if n := a.Counters().Dials; n != 0 {
		t.Errorf("%d dials were begun beyond MaxDials", n)
	}
	for _, p := range peers[:MaxPendingDials] {
		if got := a.rec.events(p); len(got) != 0 {
			t.Fatalf("a waiting dial ended: %q", got)
		}
	}
	a.stop(t)
	for _, p := range peers[:MaxPendingDials] {
		if a.rec.last(p) != "failed "+ReasonStopped {
			t.Fatalf("events: %q", a.rec.events(p))
		}
	}
}
