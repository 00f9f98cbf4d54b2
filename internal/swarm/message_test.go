package swarm

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

func someBits(n int, share float64, seed uint64) large.Bits {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := large.NewBits(n)
	for i := range n {
		if rng.Float64() < share {
			b.Set(i)
		}
	}
	return b
}

func ascending(n, gap int) (list []uint32) {
	for i := range n {
		list = append(list, uint32(i*gap))
	}
	return list
}

func messages() []protocol.Message {
	root := large.Hash{1, 2, 3}
	list := []protocol.Message{
		Have{Root: root, Ask: true, Form: All},
		Have{Root: root, Form: Added, List: []uint32{}},
		Have{Root: root, Form: Added, List: []uint32{0, 1, 7, large.MaxPieces - 1}},
		Have{Root: root, Form: Added, List: ascending(MaxList, 3)},
		Want{root, []uint32{5}},
		Want{root, ascending(MaxWant, 1)},
		Sorry{root, ascending(MaxWant, 2000)},
		Piece{root, 0, []byte{1}},
		Piece{root, large.MaxPieces - 1, make([]byte, large.MaxSegment)},
	}
	for _, n := range []int{1, 7, 8, 9, 64, 65, 1526, large.MaxPieces} {
		for i, share := range []float64{0, 0.01, 0.5, 0.99, 1} {
			list = append(list, Have{Root: root, Ask: i%2 == 0, Form: Map, Pieces: n, Map: someBits(n, share, uint64(n+i))})
		}
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages() {
		b := m.AppendTo(nil)
		got, err := Decode(m.Kind(), b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%T of %d bytes: %v", m, len(b), err)
			continue
		}
		if frame := protocol.AppendFrame(nil, protocol.TopicID{1}, protocol.ObjectLarge, m); len(frame) > protocol.MaxFrame {
			t.Errorf("%T takes a frame of %d bytes", m, len(frame))
		}
		if p, ok := m.(Piece); ok {
			if !bytes.Equal(append(p.AppendHead(nil), p.Bytes...), b) {
				t.Error("the head of a piece is not what precedes its bytes")
			}
			continue // any number of bytes is a piece
		}
		for n := range min(len(b), 300) {
			if _, err := Decode(m.Kind(), b[:n]); err == nil {
				t.Fatalf("%T: %d of %d bytes are taken", m, n, len(b))
			}
		}
		if _, err := Decode(m.Kind(), append(bytes.Clone(b), 0)); err == nil {
			t.Errorf("%T with a byte more is taken", m)
		}
	}
}

// What peers of this version say to each other stays readable.
func TestGolden(t *testing.T) {
	root := large.Hash{0xaa, 31: 0xbb}
	head := hex.EncodeToString(root[:])
	for _, c := range []struct {
		m    protocol.Message
		want string
	}{
		{Have{Root: root, Ask: true, Form: All}, head + "05"},
		{Have{Root: root, Form: Added, List: []uint32{3, 4, 300}}, head + "00" + "03" + "03" + "00" + "a702"},
		{Have{Root: root, Form: Map, Pieces: 100, Map: someBits(100, 0, 1)}, head + "02" + "64" + "01" + "64"},
		{Have{Root: root, Form: Map, Pieces: 10, Map: large.Bits{0x2a5}}, head + "02" + "0a" + "00" + "a502"},
		{Want{root, []uint32{1, 2}}, head + "02" + "01" + "00"},
		{Sorry{root, []uint32{200}}, head + "01" + "c801"},
		{Piece{root, 130, []byte("xy")}, head + "8201" + "7879"},
	} {
		if got := hex.EncodeToString(c.m.AppendTo(nil)); got != c.want {
			t.Errorf("%+v is written as %s, want %s", c.m, got, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	root := make([]byte, 32)
	for name, c := range map[string]struct {
		kind uint8
		body string
	}{
		"kind 0":               {0, ""},
		"kind beyond":          {KindSorry + 1, "00"},
		"form beyond":          {KindHave, "06"},
		"nothing wanted":       {KindWant, "00"},
		"too much wanted":      {KindWant, "41" + hex.EncodeToString(make([]byte, 65))},
		"nothing to be sorry":  {KindSorry, "00"},
		"piece beyond":         {KindWant, "0180c408"},
		"gap beyond":           {KindWant, "02" + "ffbf08" + "01"},
		"map of nothing":       {KindHave, "02" + "00" + "00"},
		"unknown map":          {KindHave, "02" + "08" + "02" + "ff"},
		"bits beyond the last": {KindHave, "02" + "07" + "00" + "80"},
		"run of nothing":       {KindHave, "02" + "08" + "01" + "04" + "00" + "04"},
		"first runs empty":     {KindHave, "02" + "08" + "01" + "00" + "00" + "08"},
		"runs too long":        {KindHave, "02" + "08" + "01" + "04" + "05"},
		"empty piece":          {KindPiece, "00"},
	} { //tidy:orderless a test each
		tail, err := hex.DecodeString(c.body)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Decode(c.kind, append(bytes.Clone(root), tail...)); err == nil {
			t.Errorf("%s: taken as %+v", name, m)
		}
	}
	if _, err := Decode(KindPiece, append(bytes.Clone(root), make([]byte, large.MaxSegment+2)...)); err == nil {
		t.Error("a piece that is too long is taken")
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		if b := m.AppendTo(nil); len(b) < 1000 {
			f.Add(m.Kind(), b)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			return
		}
		again, err := Decode(kind, m.AppendTo(nil))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v does not come back: %v", m, err)
		}
	})
}
