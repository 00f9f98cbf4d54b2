package euid

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/golden.json anew: only when vectors are added")

const goldenFile = "testdata/golden.json"

// vector is an EUID that was published: it must be readable for ever, and made of the
// same observation must be the same, or peers of two versions would not find each
// other.
type vector struct {
	Name     string   `json:"name"`
	Network  string   `json:"network"` // by which the key is made
	Public4  string   `json:"public4,omitempty"`
	Public6  string   `json:"public6,omitempty"`
	Resolver string   `json:"resolver"`
	Hops     []string `json:"hops"`
	Segment  string   `json:"segment,omitempty"`
	Reach    [4]int   `json:"reach"`  // udp4, tcp4, udp6, tcp6
	NAT      [2]int   `json:"nat"`    // mapping, filtering
	Ranges   [4]int64 `json:"ranges"` // ms, bit/s up, bit/s down, lost of 1000
	Encoded  string   `json:"encoded"`
	Text     string   `json:"text"`
}

var vectors = []vector{
	{Name: "nothing known", Ranges: [4]int64{0, 0, 0, -1}},
	{Name: "campus", Public4: "193.51.0.1", Resolver: "193.51.9.9", Hops: []string{"193.51.0.254", "", "193.51.1.254"},
		Segment: "lan", Reach: [4]int{2, 2, 0, 0}, NAT: [2]int{1, 1}, Ranges: [4]int64{1, 1e9, 1e9, 0}},
	{Name: "home", Public4: "80.12.34.56", Resolver: "192.168.1.1", Hops: []string{"192.168.1.1", "80.10.0.1"},
		Reach: [4]int{3, 5, 0, 0}, NAT: [2]int{2, 3}, Ranges: [4]int64{12, 5e6, 50e6, 3}},
	{Name: "both families, anycast, a secret key", Network: "secret", Public4: "80.12.34.56", Public6: "2a01:1:2:3::4",
		Resolver: "2606:4700:4700::1111", Hops: []string{"fe80::1%wlan0", "2a01:1::1", "", "", "2a01::1", "sixth"},
		Reach: [4]int{4, 1, 2, 2}, NAT: [2]int{3, 2}, Ranges: [4]int64{9000, 1, 1e12, 1000}},
	{Name: "private without public, stub", Resolver: "127.0.0.53", Hops: []string{"10.0.0.1", "172.16.0.1"},
		Reach: [4]int{1, 1, 1, 1}, Ranges: [4]int64{0, 0, 0, -1}},
}

func (v *vector) euid() EUID {
	o := Observation{Resolver: v.Resolver, Hops: v.Hops, Segment: v.Segment, Heard: true,
		Mapping: Mapping(v.NAT[0]), Filtering: Filtering(v.NAT[1])}
	for f, s := range []string{v.Public4, v.Public6} {
		if s != "" {
			o.Public[f] = netip.MustParseAddr(s)
		}
	}
	for i, d := range v.Reach {
		o.Reach[i/2][i%2] = Direction(d)
	}
	o.Measured = Measured{RTT: time.Duration(v.Ranges[0]) * time.Millisecond, Up: float64(v.Ranges[1]), Down: float64(v.Ranges[2])}
	if v.Ranges[3] >= 0 {
		o.Measured.Sent, o.Measured.Lost = 1000, int(v.Ranges[3])
	}
	return o.EUID(NetworkKey(v.Network), EUID{})
}

func TestGolden(t *testing.T) {
	if *rewrite {
		for i := range vectors {
			e := vectors[i].euid()
			vectors[i].Encoded, vectors[i].Text = hex.EncodeToString(e.Append(nil)), e.String()
		}
		b, err := json.MarshalIndent(vectors, "", "\t")
		if err == nil {
			err = os.WriteFile(goldenFile, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	var golden []vector
	if err == nil {
		err = json.Unmarshal(b, &golden)
	}
	if err != nil || len(golden) < len(vectors) {
		t.Fatalf("%d vectors, %v", len(golden), err)
	}
	for _, v := range golden {
		e := v.euid()
		if got := hex.EncodeToString(e.Append(nil)); got != v.Encoded || e.String() != v.Text {
			t.Errorf("%s: %s, %v, want %s, %s", v.Name, got, e, v.Encoded, v.Text)
		}
		b, _ := hex.DecodeString(v.Encoded)
		if parsed, err := Parse(b); err != nil || parsed != e {
			t.Errorf("%s parses as %v, %v, want %v", v.Name, parsed, err, e)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	longest := 0
	for range 10_000 {
		e := randomEUID(rng, MaxTag)
		b := e.Append([]byte("before"))
		longest = max(longest, len(b)-6)
		if got, err := Parse(b[6:]); err != nil || got != e {
			t.Fatalf("%v: %x parses as %v, %v", e, b[6:], got, err)
		}
	}
	if longest != MaxLen || MaxLen > gossipmembership.MaxEUIDLen {
		t.Errorf("the longest has %d bytes, MaxLen is %d, records allow %d", longest, MaxLen, gossipmembership.MaxEUIDLen)
	}
}

// TestStrict: every value out of its bounds, every truncation, bytes left over.
func TestStrict(t *testing.T) {
	e := at("193.51.0.1", "dns", "sw", "", "core")
	good := e.Append(nil)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := Parse(good[:i]); !errors.Is(err, protocol.ErrTruncated) {
			t.Errorf("%d bytes of %d: %v", i, len(good), err)
		}
	}
	for _, c := range []struct {
		name  string
		at    int
		value byte
		err   error
	}{
		{"version", 0, 2, ErrVersion},
		{"direction", 1, 0x60, ErrInvalid},
		{"direction", 2, 0x0f, ErrInvalid},
		{"mapping", 3, 0x40, ErrInvalid},
		{"filtering", 3, 0x04, ErrInvalid},
		{"class of resolver", 4, 0x50, ErrInvalid},
		{"stub with a tag", 4, 0x11, ErrInvalid},
		{"hops", 6, 6, protocol.ErrMalformed},
		{"hop is anycast", 9, 0x20, ErrInvalid},
		{"gap with a tag", 10, 1, ErrInvalid},
		{"segment of 13 bits", 13, 0x10, ErrInvalid},
	} {
		bad := bytes.Clone(good)
		bad[c.at] = c.value
		if _, err := Parse(bad); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
	if _, err := Parse(append(bytes.Clone(good), 0)); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("one byte more: %v", err)
	}
	trailing := append(append(bytes.Clone(good[:6]), 4), good[7:13]...)
	trailing = append(append(trailing, 0, 0), good[13:]...)
	if _, err := Parse(trailing); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("a gap behind the last hop: %v", err)
	}
	zero := bytes.Clone(good)
	zero[4], zero[5] = 0x40, 0
	if _, err := Parse(zero); !errors.Is(err, ErrInvalid) {
		t.Errorf("an ordinary resolver without a tag: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("an impossible EUID is encoded")
		}
	}()
	EUID{Segment: MaxTag + 1}.Append(nil)
}

func FuzzParse(f *testing.F) {
	for i := range vectors {
		f.Add(vectors[i].euid().Append(nil))
	}
	rng := rand.New(rand.NewPCG(5, 1))
	for range 20 {
		f.Add(randomEUID(rng, MaxTag).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			return
		}
		if again := e.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
		if n := len(Anchors(e)); n > MaxHops+2 || (n > 0) != (ClosenessOf(e, e) > SharedPrefix) {
			t.Fatalf("%v has %d anchors, and is %v to itself", e, n, ClosenessOf(e, e))
		}
		_ = e.String()
	})
}
