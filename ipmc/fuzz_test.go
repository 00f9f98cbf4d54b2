package ipmc

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// FuzzMachine: whatever is heard, in whatever order, whatever becomes of the items,
// the machine keeps its bounds and counts right. Every four bytes are a step: which
// message, at which position, from which source, and what else happens.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 1, 2, 1, 1, 2, 3, 2, 2, 3, 4, 3, 3, 4, 5, 0, 9, 5, 6, 1, 70, 6, 7, 2, 255})
	f.Add([]byte{0, 1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 8, 2, 1, 0, 16, 2, 1, 0, 24, 2, 1, 0, 32, 2, 1, 0, 40, 2, 1, 0, 48})
	f.Fuzz(func(t *testing.T, script []byte) {
		w := newWire(t, 2, 1, func(c *Config) { c.Packet = MinPacket })
		h, o := w.hosts[1], w.hosts[0]
		for ; len(script) >= 4; script = script[4:] {
			what, seq, from, more := script[0], uint64(script[1])+1, script[2], script[3]
			size := []int{10, 3000, 150_000}[int(seq)%3]
			it := protocol.NewItem(topicName, "author", seq, append(make([]byte, size), more&1))
			p := cut(it, o.own.id, o.id, o.epoch, seq, h.room)
			p.first.Sig = sign(o.id, o.toSign(signFirst, p.first.appendSigned(nil)))
			if from&0x40 != 0 {
				p.first.Sig = sign("mallory", nil)
			}
			var m protocol.Message
			switch what % 8 {
			case 0, 1:
				m = p.packet(0)
			case 2, 3:
				m = p.packet(int(more>>1) % p.packets())
			case 4:
				m = &Nack{Stream: []uint64{o.own.id, h.own.id}[more&1], Runs: []Run{{seq, uint64(more) + 1}}}
			case 5:
				b := &Beacon{Origin: o.id, Epoch: o.epoch, Nonce: uint64(what) + 1, Pause: int(more) + 1, Low: 1, Last: seq << (more & 15)}
				b.Sig = sign(o.id, o.toSign(signBeacon, b.appendSigned(nil)))
				m = b
			case 6:
				m = &Fills{Stream: o.own.id, Fills: []Fill{{seq, it.ID}}}
			default:
				h.publish(size)
				continue
			}
			h.full = more&0x80 != 0
			origin := protocol.Origin{NIC: 1, Multicast: what%8 != 6}
			if origin.Multicast {
				origin.Addr = h.addr.Next()
			} else {
				origin.Peer, origin.Authenticated = o.id, true
			}
			h.input(protocol.Received{From: origin, Topic: topicID, Msg: w.decode(m.Kind(), m.AppendTo(nil)), At: w.now})
			h.check(t)
			w.run(time.Duration(from&15) * 7 * time.Millisecond)
		}
		w.run(time.Minute)
		if n := h.holes; n > 0 {
			t.Fatalf("%d positions are waited for still", n)
		}
	})
}
