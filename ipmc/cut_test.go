package ipmc

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// assemble puts a parcel together from its packets in some order, as it came over
// the wire.
func assemble(t *testing.T, p *parcel, order []int) *protocol.Item {
	t.Helper()
	recode := func(m protocol.Message) protocol.Message {
		again, err := Decode(m.Kind(), m.AppendTo(nil))
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		return again
	}
	f := recode(p.packet(0)).(*First)
	a := newAssembly(f, headOf(f))
	waiting := order
	for len(waiting) > 0 && !a.complete() {
		var rest []int
		for _, i := range waiting {
			var what outcome
			switch m := recode(p.packet(1 + i)).(type) {
			case *List:
				what = a.putList(m)
			case *Fragment:
				what = a.putData(m)
			}
			if what == unlisted {
				rest = append(rest, i)
			} else if what != taken && what != twice {
				t.Fatalf("packet %d: %v", i, what)
			}
		}
		if len(rest) == len(waiting) {
			t.Fatalf("%d packets are never listed", len(rest))
		}
		waiting = rest
	}
	it, err := a.item(topicID)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// TestCut: items of all sizes are cut into packets that fit and come together again
// in any order.
func TestCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, packet := range []int{MinPacket, 1452, MaxPacket} {
		room := packet - Overhead - maxFrameHeader
		for _, size := range []int{0, 1, 1000, room - 250, room - 200, room, 2 * room, 8192, 60_000, 100_000, 1 << 19, protocol.MaxItemSize - 100} {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			it := protocol.NewItem(topicName, "author", 1, data)
			p := cut(it, 7, "a peer with a name as long as those of libp2p are", 1, 1<<40, room)
			p.first.Sig = make([]byte, signatureRoom)
			for i := range p.packets() {
				if n := len(p.packet(i).AppendTo(nil)); n > room {
					t.Errorf("packet %d, size %d: message %d has %d bytes, more than %d", packet, size, i, n, room)
				}
			}
			got := assemble(t, p, rng.Perm(p.packets()-1))
			if !bytes.Equal(got.Bytes, it.Bytes) {
				t.Errorf("packet %d, size %d: another item", packet, size)
			}
		}
	}
}

// TestOneKiBIsOnePacket: and it fits into an Ethernet frame.
func TestOneKiBIsOnePacket(t *testing.T) {
	id := protocol.PeerID(make([]byte, 38)) // as Ed25519 has
	it := protocol.NewItem("a topic's name", id, 1, make([]byte, 1024)).WithSignature(make([]byte, 64), nil)
	if p := cut(it, 1, id, 1, 1<<30, defaultPacket-Overhead-maxFrameHeader); p.packets() != 1 {
		t.Errorf("%d packets", p.packets())
	}
}

// FuzzReassembly: fragments that overlap, are missing, come twice or contradict each
// other never make another item than the one that was cut.
func FuzzReassembly(f *testing.F) {
	f.Add(uint32(5000), []byte{0, 0, 1, 1, 2, 2, 3, 3, 4, 4})
	f.Add(uint32(300_000), []byte{0, 0, 200, 1, 9, 9, 9, 9})
	f.Fuzz(func(t *testing.T, size uint32, script []byte) {
		data := make([]byte, size%400_000)
		for i := 0; i+8 <= len(data); i += 8 {
			binary.BigEndian.PutUint64(data[i:], uint64(i)*0x9e3779b97f4a7c15)
		}
		it := protocol.NewItem(topicName, "author", 1, data)
		p := cut(it, 7, "peer", 1, 1, 1400)
		a := newAssembly(p.first, headOf(p.first))
		had := make(map[int]bool)
		for i := 0; i+2 <= len(script); i += 2 {
			k := 1 + (int(script[i])<<3|int(script[i+1]>>5))%max(1, p.packets()-1)
			if k >= p.packets() {
				break
			}
			var what outcome
			bad := script[i+1]&7 != 0
			switch m := p.packet(k).(type) {
			case *List:
				bent := &List{m.Stream, m.Seq, m.Index, bytes.Clone(m.Hashes)}
				bend(&bent.Index, &bent.Hashes, script[i+1]&7)
				what = a.putList(bent)
			case *Fragment:
				bent := &Fragment{m.Stream, m.Seq, m.Index, bytes.Clone(m.Chunk)}
				bend(&bent.Index, &bent.Chunk, script[i+1]&7)
				what = a.putData(bent)
			}
			if what == taken && bad || what == taken && had[k] {
				t.Fatalf("packet %d is taken, bent %v, had %v", k, bad, had[k])
			}
			if what == taken {
				had[k] = true
			}
		}
		if a.have != len(had) || a.complete() != (len(had) == p.packets()-1) {
			t.Fatalf("%d of %d packets, counted %d", len(had), p.packets()-1, a.have)
		}
		if a.complete() {
			if got, err := a.item(topicID); err != nil || !bytes.Equal(got.Bytes, it.Bytes) {
				t.Fatalf("another item, %v", err)
			}
		}
	})
}

// bend makes a packet false in one of several ways; 0 leaves it.
func bend(index *int, b *[]byte, how byte) {
	switch how {
	case 0:
	case 1:
		(*b)[0] ^= 1
	case 2:
		(*b)[len(*b)-1] ^= 1
	case 3:
		*b = (*b)[:len(*b)-1]
	case 4:
		*b = append(*b, 0)
	case 5:
		*index += MaxFragments
	default:
		(*b)[len(*b)/2] ^= how
	}
}
