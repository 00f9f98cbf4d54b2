package ipmc

import (
	"bytes"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// reached counts what came of fragments in FuzzFragments.
type reached map[string]int

// reassemble has a receiver hear an item's packets as a script says, with others among
// them that contradict them, and the sender answer what it asks; and checks that the
// item arrives whole, once, and nothing else does. Every two bytes are a packet: which,
// and what is wrong with it.
func reassemble(t *testing.T, script []byte, r reached) {
	w := newWire(t, 2, 1, func(c *Config) { c.Packet = MinPacket })
	w.run(3 * time.Second)
	w.hosts[0].publish(10) // so that the stream is known
	w.run(100 * time.Millisecond)
	h, o := w.hosts[1], w.hosts[0]
	size := 4000
	if len(script) > 0 && script[0]&1 != 0 {
		size = 300_000 // with lists of hashes
	}
	drop := true
	w.lose = func(_, to *station, m protocol.Message) bool { return drop && to == h && isPart(m) }
	it := o.publish(size)
	w.run(200 * time.Millisecond)
	seq := o.own.top
	p := o.own.at(seq).held
	for ; len(script) >= 2; script = script[2:] {
		var m protocol.Message = p.packet(int(script[0]) % p.packets())
		m, kind := spoil(m, p, script[1])
		h.input(protocol.Received{From: protocol.Origin{NIC: 1, Multicast: true, Addr: h.addr.Next()}, Topic: topicID, Msg: w.decode(m.Kind(), m.AppendTo(nil)), At: w.now})
		h.check(t)
		r[kind]++
		if script[1]&0x80 != 0 {
			w.run(10 * time.Millisecond)
		}
	}
	before := h.stats
	r["false"] += int(before.False)
	r["twice"] += int(before.Twice)
	r["contradicted"] += int(before.Contradicted)
	r["stale"] += int(before.Stale)
	for _, s := range h.sources.list {
		r["unlisted"] += len(s.unlisted)
	}
	if a := h.byID[o.own.id]; a != nil {
		if hole := a.hole(seq); hole != nil && hole.a != nil && hole.a.have > 0 && !hole.a.complete() {
			r["incomplete"]++
		}
	}
	drop = false
	w.run(time.Minute)
	got := h.have[it.ID]
	if got == nil || !bytes.Equal(got.Bytes, it.Bytes) {
		t.Fatalf("the item has not arrived: %+v", h.stats)
	}
	if len(h.have) != 2 || h.holes > 0 || h.open != 0 {
		t.Fatalf("%d items, %d positions and %d bytes are there in the end", len(h.have), h.holes, h.open)
	}
}

func isPart(m protocol.Message) bool { _, list := m.(*List); return list || isPayload(m) }

// spoil makes something of a packet that contradicts it, or leaves it as it is.
func spoil(m protocol.Message, p *parcel, how byte) (protocol.Message, string) {
	shift := func(i, n int) int { return (i + 1 + int(how>>3)&7) % max(n, 1) }
	switch m := m.(type) {
	case *Fragment:
		c := *m
		switch how % 8 {
		case 1:
			c.Chunk = bytes.Clone(c.Chunk)
			c.Chunk[int(how>>3)%len(c.Chunk)] ^= 1
			return &c, "altered fragment"
		case 2:
			c.Chunk = c.Chunk[:len(c.Chunk)-1]
			return &c, "short fragment"
		case 3: // what belongs elsewhere overlaps what belongs there
			c.Index = shift(c.Index, p.first.Data)
			return &c, "overlapping fragment"
		case 4:
			c.Index = p.first.Data + int(how>>3)
			return &c, "fragment beyond the end"
		case 5:
			c.Seq += uint64(1 + how>>3)
			return &c, "fragment of another item"
		}
		return m, "fragment"
	case *List:
		c := *m
		switch how % 8 {
		case 1:
			c.Hashes = bytes.Clone(c.Hashes)
			c.Hashes[0] ^= 1
			return &c, "altered list"
		case 2:
			c.Hashes = c.Hashes[:len(c.Hashes)-HashSize]
			if len(c.Hashes) == 0 {
				return m, "list"
			}
			return &c, "short list"
		case 3:
			c.Index = shift(c.Index, p.first.Lists)
			return &c, "overlapping list"
		}
		return m, "list"
	case *First:
		c := *m
		c.signed = nil
		switch how % 8 {
		case 1: // other hashes
			c.Hashes = bytes.Clone(c.Hashes)
			c.Hashes[0] ^= 1
			return &c, "first with other hashes"
		case 2: // another cut of the same item
			again := cut(p.item, p.stream, c.Origin, c.Epoch, c.Seq, MinPacket-Overhead-maxFrameHeader-100).first
			again.Sig = c.Sig
			return again, "first with another cut"
		case 3:
			c.Item[0] ^= 1
			return &c, "first of another item"
		case 4:
			c.Chunk = bytes.Clone(c.Chunk)
			if len(c.Chunk) > 0 {
				c.Chunk[0] ^= 1
			}
			return &c, "first with an altered beginning"
		}
		return m, "first"
	}
	return m, ""
}

// fragmentSeeds are scripts that between them reach everything that may become of a
// fragment.
func fragmentSeeds() (list [][]byte) {
	for size := range byte(2) {
		var straight, backwards, twice, spoilt []byte
		for i := range byte(120) {
			straight = append(straight, 2*i+size, 0)
			backwards = append(backwards, 2*(119-i)+size, 0)
			twice = append(twice, 2*i+size, 0x80, 2*i+size, 0)
			spoilt = append(spoilt, 2*i+size, i)
		}
		list = append(list, straight, backwards, twice, spoilt,
			[]byte{size, 1, 0, 0, 1, 3, 2, 11, 3, 19, 1, 0}, []byte{size, 2, 0, 0, 2, 1, 2, 0}, []byte{size, 3, 1, 0, 2, 0, 0, 4}, []byte{0, 0x80, 1, 1, 2, 2})
	}
	return list
}

// FuzzFragments: whatever fragments overlap, are missing or contradict each other, the
// item arrives whole in the end.
func FuzzFragments(f *testing.F) {
	for _, s := range fragmentSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script []byte) { reassemble(t, script[:min(len(script), 400)], make(reached)) })
}

// TestFragmentsReach: what FuzzFragments begins from reaches every case there is, so
// that it does not fuzz what is refused at the door.
func TestFragmentsReach(t *testing.T) {
	r := make(reached)
	for _, s := range fragmentSeeds() {
		reassemble(t, s, r)
	}
	for _, what := range []string{"fragment", "altered fragment", "short fragment", "overlapping fragment", "fragment beyond the end", "fragment of another item",
		"list", "altered list", "short list", "overlapping list", "first", "first with other hashes", "first with another cut", "first of another item",
		"first with an altered beginning", "false", "twice", "contradicted", "unlisted", "incomplete"} {
		if r[what] == 0 {
			t.Errorf("%s: never reached", what)
		}
	}
	t.Logf("%v", r)
}
