package gossip

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// FuzzMachine has anything happen in any order, two bytes an event, and checks
// after each that the machine's state is sound and that what it wants is within
// bounds and does not concern strangers.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x03\x10\x05\x10\x01\xff"))
	f.Add([]byte{0, 0, 0, 1, 0, 2, 4, 17, 4, 33, 14, 200, 3, 17, 6, 17, 7, 1, 14, 255, 10, 1, 2, 0, 14, 255})
	rng := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		long := make([]byte, 600)
		for i := range long {
			long[i] = byte(rng.Uint32())
		}
		f.Add(long)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		m := New(Config{}, rand.New(rand.NewPCG(1, 1)))
		var out protocol.Outbox
		now := protocol.Time(0)
		for ; len(script) >= 2; script = script[2:] {
			if kind := script[0] % 16; kind == 14 {
				now = now.Add(time.Duration(script[1]) * 5 * time.Millisecond)
			} else if kind != 15 {
				m.Handle(now, fuzzInput(kind, script[1]), &out)
			}
			for i := 0; m.Deadline() <= now; i++ {
				if i > 1000 {
					t.Fatal("the machine wants to be woken for ever")
				}
				m.Advance(now, &out)
			}
			if bad := m.check(); bad != "" {
				t.Fatal(bad)
			}
			checkEffects(t, m, out.Take())
		}
		m.Explain(now)
	})
}

// fuzzInput makes an input of peer arg/16 and item arg%16.
func fuzzInput(kind, arg byte) protocol.Input {
	peer := string(rune('a' + arg/16))
	item := string(rune('k' + arg%16))
	switch kind {
	case 0:
		return join(peer, time.Duration(arg)*time.Millisecond)
	case 1:
		return leave(peer)
	case 2:
		return protocol.LinkDown{Peer: protocol.PeerID(peer)}
	case 3:
		return carry(peer, item)
	case 4:
		return ihave(peer, arg%2 == 0, item, "x", "y")
	case 5:
		return graftOf(peer, arg%2 == 0, item, "x")
	case 6:
		return accept(peer, item)
	case 7:
		return refuse(peer, item)
	case 8:
		return protocol.Rejected{ID: idOf(item), From: protocol.PeerID(peer), Retry: arg%2 == 0}
	case 9:
		return from(peer, Prune{})
	case 10:
		return protocol.LinkSuspected{Peer: protocol.PeerID(peer)}
	case 11:
		return protocol.LinkRestored{Peer: protocol.PeerID(peer)}
	case 12:
		if arg%2 == 0 {
			return protocol.Congested{Peer: protocol.PeerID(peer)}
		}
		return protocol.Drained{Peer: protocol.PeerID(peer)}
	}
	return answer(peer, item)
}

func checkEffects(t *testing.T, m *Machine, effects []protocol.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case protocol.Send:
			body := e.Msg.AppendTo(nil)
			if _, err := Decode(e.Msg.Kind(), body); err != nil {
				t.Fatalf("sends %T, which decodes with %v", e.Msg, err)
			}
		case protocol.FetchAndSend:
			if len(e.Items) == 0 || len(e.Items) > MaxIDs || m.find(e.To) == nil {
				t.Fatalf("streams %d items to %q", len(e.Items), string(e.To))
			}
		case protocol.Arrive, protocol.Event:
		default:
			t.Fatalf("unexpected effect %T", e)
		}
	}
}
