package pieces

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

var topic = protocol.TopicOf("square")

func content(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func openVault(t *testing.T, dir string, quota int64) *Vault {
	t.Helper()
	v, err := Open(dir, quota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// modes checks that nobody else can read what is kept.
func modes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "large")
	v := openVault(t, dir, 0)
	data := content(300_000)
	m, err := v.Import(t.Context(), topic, bytes.NewReader(data), int64(len(data)), "a.bin")
	if err != nil {
		t.Fatal(err)
	}
	modes(t, dir)
	again, err := v.Import(t.Context(), topic, bytes.NewReader(data), int64(len(data)), "b.bin")
	if err != nil || again.Root() != m.Root() || v.Used() != m.FileSize() {
		t.Errorf("a second time: %v, %d bytes used", err, v.Used())
	}
	r, err := v.NewReader(Key{topic, m.Root()}, m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes come back, %v", len(got), err)
	}
	for name, c := range map[string]struct {
		size int64
		want error
	}{"shorter": {300_001, ErrShort}, "longer": {299_999, ErrShort}, "empty": {0, large.ErrSize}, "too large": {large.MaxSize + 1, large.ErrSize}} { //tidy:orderless a test each
		if _, err := v.Import(t.Context(), topic, bytes.NewReader(data), c.size, ""); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v.Used() != m.FileSize() {
		t.Errorf("what failed takes room: %d bytes", v.Used())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, importPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A part survives any end of a run: what was written is found, what is damaged is not,
// and what an import has left is removed.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	data := content(1 << 20)
	b, _ := large.NewBuilderWith(int64(len(data)), 1<<10)
	for i := 0; b.Next() > 0; i += 1 << 10 {
		b.Add(data[i : i+b.Next()])
	}
	m, _ := b.Finish("x")
	k := Key{topic, m.Root()}
	v := openVault(t, dir, 0)
	if st, err := v.Open(k, m); err != nil || st.Complete || st.Have.Count() != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	for i := 0; i < m.Pieces(); i += 2 {
		if err := v.Write(k, i, data[i<<10:(i+1)<<10]); err != nil {
			t.Fatal(err)
		}
	}
	modes(t, filepath.Join(dir, filepath.Base(v.topicDir(topic))))
	// No Close: the process is killed.
	part := v.path(k) + partSuffix
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damaged"), 4<<10); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if err := os.WriteFile(filepath.Join(dir, importPrefix+"1"), make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	v = openVault(t, dir, 0)
	if v.Used() != m.FileSize() {
		t.Errorf("%d bytes are used, want %d", v.Used(), m.FileSize())
	}
	st, err := v.Open(k, m)
	if err != nil || st.Have.Count() != m.Pieces()/2-1 || st.Have.Has(4) {
		t.Fatalf("%d pieces are found, %v", st.Have.Count(), err)
	}
	for i := range m.Pieces() {
		if !st.Have.Has(i) {
			if _, err := v.Read(k, m, i); !errors.Is(err, ErrMissing) {
				t.Fatalf("piece %d, which is not there, is read: %v", i, err)
			}
			if err := v.Write(k, i, data[i<<10:(i+1)<<10]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := v.NewReader(k, m); !errors.Is(err, ErrMissing) {
		t.Errorf("a part is read as if it were all: %v", err)
	}
	if err := v.Finish(k); err != nil || !v.Complete(k) {
		t.Fatal(err)
	}
	v = openVault(t, dir, 0)
	if st, err := v.Open(k, m); err != nil || !st.Complete {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestQuota(t *testing.T) {
	v := openVault(t, t.TempDir(), 250_000)
	data := content(200_000)
	m, err := v.Import(t.Context(), topic, bytes.NewReader(data), 200_000, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Import(t.Context(), topic, bytes.NewReader(content(60_000)), 60_000, ""); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the quota: %v", err)
	}
	b, _ := large.NewBuilder(60_000)
	b.Add(data[:60_000])
	other, _ := b.Finish("")
	if _, err := v.Open(Key{topic, other.Root()}, other); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "--large-limit") {
		t.Errorf("beyond the quota: %v", err)
	}
	if err := v.RemoveTopic(topic); err != nil || v.Used() != 0 || v.Complete(Key{topic, m.Root()}) {
		t.Errorf("removed: %v, %d bytes used", err, v.Used())
	}
	if _, err := v.Open(Key{topic, other.Root()}, other); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// More files than may be open at once are read all the same.
func TestManyFiles(t *testing.T) {
	v := openVault(t, t.TempDir(), 0)
	var ms []large.Manifest
	for i := range maxOpen + 20 {
		data := append(content(2000), byte(i))
		m, err := v.Import(t.Context(), topic, bytes.NewReader(data), int64(len(data)), "")
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	for range 2 {
		for i, m := range ms {
			if b, err := v.Read(Key{topic, m.Root()}, m, 0); err != nil || b[2000] != byte(i) {
				t.Fatalf("file %d: %v", i, err)
			}
			if len(v.files) > maxOpen || len(v.files) != len(v.order) {
				t.Fatalf("%d files are open", len(v.files))
			}
		}
	}
}
