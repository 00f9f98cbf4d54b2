package large

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"crypto/ed25519"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/golden.json anew: only when vectors are added")

// vector is one manifest as it was published: it must be readable for ever.
type vector struct {
	Seed     uint64 `json:"seed"` // of the content, see content
	Size     int    `json:"size"`
	Segment  int    `json:"segment"`
	Name     string `json:"name"`
	Root     string `json:"root"`
	Manifest string `json:"manifest"` // hex
}

const goldenFile = "testdata/golden.json"

func makeVectors(t *testing.T) (vs []vector) {
	for i, v := range []vector{
		{Size: 1, Segment: 64 << 10, Name: ""},
		{Size: 200_000, Segment: 64 << 10, Name: "photo.jpg"},
		{Size: 3 << 20, Segment: 1 << 10, Name: "two levels: ünïcode.bin"},
		{Size: 3 << 20, Segment: 512 << 10, Name: strings.Repeat("n", MaxName)},
	} {
		v.Seed = uint64(i)
		m, _ := build(t, content(v.Seed, v.Size), v.Segment, v.Name)
		v.Manifest, v.Root = hex.EncodeToString(m.AppendTo(nil)), hex.EncodeToString(rootOf(m))
		vs = append(vs, v)
	}
	return vs
}

func rootOf(m Manifest) []byte { r := m.Root(); return r[:] }

func TestGolden(t *testing.T) {
	if *rewrite {
		b, err := json.MarshalIndent(makeVectors(t), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	for i, v := range makeVectors(t) {
		if i >= len(vs) || vs[i] != v {
			t.Errorf("vector %d is encoded otherwise than it was published", i)
		}
	}
	for i, v := range vs {
		raw, _ := hex.DecodeString(v.Manifest)
		m, err := Parse(raw)
		if err != nil {
			t.Errorf("vector %d: %v", i, err)
			continue
		}
		if m.Size() != int64(v.Size) || m.Segment() != v.Segment || m.Name != v.Name || hex.EncodeToString(rootOf(m)) != v.Root {
			t.Errorf("vector %d is read as %d bytes in segments of %d, %q, root %s", i, m.Size(), m.Segment(), m.Name, m.Root())
		}
	}
}

// What is not exactly what AppendTo writes is refused.
func TestParseRefuses(t *testing.T) {
	m, _ := build(t, content(3, 5000), 1<<10, "name")
	good := m.AppendTo(nil)
	if got, err := Parse(good); err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("%+v, %v, want %+v", got, err, m)
	}
	head := len(magic)
	with := func(at int, b ...byte) []byte { c := bytes.Clone(good); copy(c[at:], b); return c }
	for name, b := range map[string][]byte{
		"empty":               nil,
		"other magic":         with(0, 'x'),
		"other version":       with(head, 2),
		"segment too short":   with(head+1, 9),
		"segment too long":    with(head+1, 20),
		"segment beyond ints": with(head+1, 255),
		"other segment":       with(head+1, 12),
		"size 0":              append(append(bytes.Clone(good[:head+2]), 0), good[head+4:]...),
		"name is no UTF-8":    with(head+5, 0xff),
		"a byte more":         append(bytes.Clone(good), 0),
		"a hash more":         append(bytes.Clone(good), make([]byte, HashSize)...),
		"a hash less":         good[:len(good)-HashSize],
		"far too long":        append(bytes.Clone(good), make([]byte, maxPayload)...),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range good {
		if _, err := Parse(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken", n, len(good))
		}
	}
}

func TestNameIsMadeValid(t *testing.T) {
	for _, name := range []string{strings.Repeat("ü", 200), "\xff\xfe", strings.Repeat("\xff", 300)} {
		m, _ := build(t, []byte("x"), 1<<10, name)
		if _, err := Parse(m.AppendTo(nil)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A manifest fits into an item, in a feed and elsewhere, and only there where it says
// that it is one is it one.
func TestOf(t *testing.T) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	author, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := build(t, content(9, MaxTop<<10), 1<<10, strings.Repeat("n", MaxName))
	payload := m.AppendTo(nil)
	entry := func(typ feed.Type, payload []byte) *protocol.Item {
		it, err := feed.SignEntry(key, &feed.Entry{Type: typ, Seq: 1, ContentType: "text/plain", Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	open := func(payload []byte) *protocol.Item { return protocol.NewItem("square", author, 1, payload) }
	for _, c := range []struct {
		name string
		it   *protocol.Item
		want bool
	}{
		{"entry", entry(feed.Large, payload), true},
		{"post with a manifest's bytes", entry(feed.Post, payload), false},
		{"entry without manifest", entry(feed.Large, []byte("hello")), false},
		{"open topic", open(payload), true},
		{"open topic, text", open([]byte("hello")), false},
		{"open topic, something like an entry", open(entry(feed.Large, payload).Data), false},
		{"open topic, cut", open(payload[:len(payload)-1]), false},
		{"feed without an entry", protocol.NewItem(feed.TopicName(author), author, 1, payload), false},
		{"nothing", open(nil), false},
	} {
		got, ok := Of(c.it)
		if ok != c.want || ok && got.Root() != m.Root() {
			t.Errorf("%s: %v", c.name, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	m, _ := build(f, content(3, 5000), 1<<10, "name")
	f.Add(m.AppendTo(nil))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.AppendTo(nil), b) {
			t.Fatal("a manifest has two encodings")
		}
		if m.Pieces() > MaxPieces || m.Top() > MaxTop {
			t.Fatalf("%d pieces, %d at the top", m.Pieces(), m.Top())
		}
	})
}
