package omni

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

var (
	place   = vivaldi.Coordinate{X: 16, Y: -16, Z: 32, Height: 8, Err: 40}
	placed  = State{Attached: true, Reach: ReachPublic, Root: "r", Epoch: 1<<32 | 3, Latency: ms, Wait: 2 * ms, Relief: 4 * ms, Offer: 3 * ms, Prime: 2 * ms, Spare: 4, Price: ms, Path: []uint64{0x72}, At: place}
	someone = Sample{Peer: "p", At: place, Latency: ms, Offer: 2 * ms, Prime: ms, Spare: 31, Reach: ReachPunch, Weight: 5, Way: 3 * ms, Age: 6 * time.Second, Addr: "a", Door: "d", DoorAddr: "b"}
	full    = Sample{Peer: "p", At: place, Latency: ms, Offer: 2 * ms, Reach: ReachPublic, Price: ms, Weight: 5, Age: time.Second / 3, Addr: "a"}
)

const (
	hexPlace  = "0010fff00020000828"
	hexPlaced = "050172" + "8380808010" + "e807d00fa01fb817d00f" + "04e807" + "010000000000000072" + hexPlace
	hexSome   = "0170" + hexPlace + "e807d00fe807" + "5f" + "05b81718" + "0161" + "0164" + "0162"
	hexFull   = "0170" + hexPlace + "e807d00f00" + "20" + "e807" + "050002" + "0161"
)

// golden are the encodings.
var golden = []struct {
	name string
	msg  protocol.Message
	hex  string
}{
	{"beat", Beat{placed}, hexPlaced},
	{"offer of an orphan", Offer{State{At: place}}, "00000000000000000000" + "00" + hexPlace},
	{"accept", Accept{placed}, hexPlaced},
	{"refuse", Refuse{Loop, placed}, "02" + hexPlaced},
	{"join", Join{Epoch: 3, Feasible: ms, Latency: 2 * ms, Weight: 4, Value: 5, RTT: ms, At: place, Old: "o", OldOffer: ms, OldAt: place},
		"0003e807d00f0405e807" + hexPlace + "016fe807" + hexPlace},
	{"join of an orphan", Join{Orphan: true, Weight: 1, Value: 1}, "0100000001010000000000000000000000" + "00000000000000000000"},
	{"leave", Leave{Withholds}, "06"},
	{"report", Report{Weight: 3, Value: 4, Other: ms, At: place}, "0304e807" + hexPlace},
	{"samples, a question", Samples{Root: 0x72, Epoch: 3, List: []Sample{someone}, Salt: 7, Known: sieve{1, 2}}, "0000000000000000720301" + hexSome + "07" + "020102"},
	{"samples, an answer", Samples{Answer: true, List: []Sample{someone, full}}, "0100000000000000000002" + hexSome + hexFull},
	{"call", Call{To: "t", Who: full}, "0174" + hexFull},
	{"same", Same{Number: 300, Check: 0x1234}, "1234ac02"},
	{"again", Again{}, ""},
	{"watch", Watch{Mode: WatchAWhile, Last: 0x010203040506}, "02010203040506"},
	{"watch, no hurry", Watch{Mode: WatchLater}, "03"},
	{"digest", Digest{Items: []Announcement{{0x1122, 1000}}}, "0000000000112204"},
	{"digest, late", Digest{Late: true, Items: []Announcement{{1, 0}, {2, 257}}}, "410000000000010000000000000202"},
	{"pull", Pull{[]Short{7}}, "01000000000007"},
	{"renew", Renew{300}, "ac02"},
	{"yield", Yield{}, "00"},
	{"yield, with a hint", Yield{[]Sample{someone}}, "01" + hexSome},
}

func TestGolden(t *testing.T) {
	for _, tc := range golden {
		if got := hex.EncodeToString(tc.msg.AppendTo(nil)); got != tc.hex {
			t.Errorf("%s: encoded as\n%s, want\n%s", tc.name, got, tc.hex)
		}
		body, _ := hex.DecodeString(tc.hex)
		got, err := Decode(tc.msg.Kind(), body)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if again := hex.EncodeToString(got.AppendTo(nil)); again != tc.hex || got.Kind() != tc.msg.Kind() {
			t.Errorf("%s: decoded and encoded again as %s", tc.name, again)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind uint8
		hex  string
		err  error
	}{
		{"an unknown kind", 99, "", protocol.ErrUnknownKind},
		{"nothing", KindBeat, "", protocol.ErrTruncated},
		{"attached to nobody", KindBeat, "01000000000000000000" + "00" + hexPlace, protocol.ErrMalformed},
		{"an unknown flag", KindBeat, "10" + hexPlaced[2:], protocol.ErrMalformed},
		{"a height below nothing", KindReport, "0101000010fff00020ffff28", protocol.ErrMalformed},
		{"a weight of nothing", KindReport, "000100" + hexPlace, protocol.ErrMalformed},
		{"an unknown reason", KindLeave, "09", protocol.ErrMalformed},
		{"an unknown mode", KindWatch, "04", protocol.ErrMalformed},
		{"a digest of nothing", KindDigest, "00", protocol.ErrTruncated},
		{"an unknown bit in a digest", KindDigest, "8000000000112204", protocol.ErrMalformed},
		{"a pull of nothing", KindPull, "00", protocol.ErrMalformed},
		{"too many pulled", KindPull, "41", protocol.ErrMalformed},
		{"a sieve too large", KindSamples, "0000000000000000000000" + "00" + "8101" + strings.Repeat("00", maxSieve+1), protocol.ErrMalformed},
		{"a sample of nobody", KindCall, "0174" + "00" + hexFull[4:], protocol.ErrMalformed},
		{"more than there is", KindLeave, "0000", protocol.ErrMalformed},
	} {
		body, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Decode(tc.kind, body); !errors.Is(err, tc.err) {
			t.Errorf("%s: decoded as %v, %v, want %v", tc.name, m, err, tc.err)
		}
	}
}

// Whatever decodes encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, tc := range golden {
		body, _ := hex.DecodeString(tc.hex)
		f.Add(tc.msg.Kind(), body)
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			return
		}
		if got := m.AppendTo(nil); string(got) != string(body) {
			t.Errorf("kind %d: %x decoded and encoded again as %x", kind, body, got)
		}
	})
}
