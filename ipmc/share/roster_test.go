package share

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"reflect"
	"testing"
)

func sixes(n int) (g []netip.AddrPort) {
	for i := range n {
		a := [16]byte{0xff, 0x15, 12: 0x80, 14: byte(i >> 8), 15: byte(i)}
		g = append(g, netip.AddrPortFrom(netip.AddrFrom16(a), uint16(61_000+i)))
	}
	return g
}

func rosters() []*Roster {
	var all []int
	for i := range MaxGroups {
		all = append(all, i)
	}
	return []*Roster{
		{Origin: "alice", Seq: 1, Pause: 1},
		{Origin: "alice", Seq: 300, Pause: 2000, Bound: 15, Basis: Basis{1, 2, 3, 4, 5, 6, 7, 8}, Groups: groupsOf(1, 2, 258), Sig: []byte("signed")},
		{Origin: "alice", Seq: maxSeq, Pause: maxPause, Bound: maxBound, Groups: groupsOf(all...), Sig: make([]byte, maxSignature)},
		{Origin: "bob", Seq: 7, Pause: 5, Bound: 3, Groups: sixes(2), Sig: []byte("x")},
		{Origin: "bob", Seq: 7, Pause: 5, Bound: 3, Groups: sixes(MaxGroups), Sig: make([]byte, 64)},
	}
}

// TestGolden: peers of different versions have to understand each other.
func TestGolden(t *testing.T) {
	for i, want := range []string{
		"05616c69636501010000000000000000000000" + "00",
		"05616c696365ac02d00f0f01020304050607080003efff0001ee48efff0002ee48efff0102ee48" + "067369676e6564",
		"",
		"03626f62070503" + "00000000000000000102" + "ff15000000000000" + "0000000080000000ee48" + "0000000080000001ee49" + "0178",
	} {
		if got := hex.EncodeToString(rosters()[i].AppendTo(nil)); want != "" && got != want {
			t.Errorf("%d is\n%s, want\n%s", i, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for i, r := range rosters() {
		b := r.AppendTo(nil)
		got, err := Decode(KindRoster, b)
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if !bytes.Equal(got.AppendSigned(nil), r.AppendSigned(nil)) {
			t.Errorf("%d: other bytes are signed", i)
		}
		got.signed = nil
		if len(got.Sig) == 0 {
			got.Sig = r.Sig
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%d: %+v, want %+v", i, got, r)
		}
		for n := range b {
			if _, err := Decode(KindRoster, b[:n]); err == nil {
				t.Errorf("%d cut to %d of %d bytes is taken", i, n, len(b))
			}
		}
		if len(b) > 1200-60 {
			t.Errorf("%d takes %d bytes", i, len(b))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range rosters() {
		f.Add(r.AppendTo(nil))
	}
	f.Add((&Roster{Origin: "a", Seq: 1, Pause: 1, Groups: []netip.AddrPort{group(2), group(1)}}).AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(KindRoster, b)
		if err != nil {
			return
		}
		if again := r.AppendTo(nil); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
		r.signed = nil
		if again := r.AppendTo(nil); !bytes.Equal(again, b) {
			t.Errorf("%x became %x, built anew", b, again)
		}
		if len(r.Groups) > MaxGroups {
			t.Errorf("%d groups", len(r.Groups))
		}
	})
}
