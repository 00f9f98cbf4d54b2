package large

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// content returns bytes that no two pieces share.
func content(seed uint64, size int) []byte {
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, size)
	_, _ = rng.Read(b)
	return b
}

// build cuts content and returns its manifest and its pieces.
func build(t testing.TB, data []byte, segment int, name string) (Manifest, [][]byte) {
	t.Helper()
	b, err := NewBuilderWith(int64(len(data)), segment)
	if err != nil {
		t.Fatal(err)
	}
	var segments [][]byte
	for rest := data; b.Next() > 0; {
		n := b.Next()
		b.Add(rest[:n])
		segments = append(segments, rest[:n])
		rest = rest[n:]
	}
	m, index := b.Finish(name)
	return m, append(index, segments...)
}

func TestLayout(t *testing.T) {
	for _, c := range []struct {
		size                                 int64
		segment, segments, index, top, level int
	}{
		{1, 64 << 10, 1, 0, 1, 1},
		{64 << 10, 64 << 10, 1, 0, 1, 1},
		{64<<10 + 1, 64 << 10, 2, 0, 2, 1},
		{MaxTop << 10, 1 << 10, MaxTop, 0, MaxTop, 1},
		{MaxTop<<10 + 1, 1 << 10, MaxTop + 1, 65, 65, 2},
		{100_000_000, 64 << 10, 1526, 0, 1526, 1},
		{1 << 30, 64 << 10, 16384, 8, 8, 2},
		{MaxSegments << 10, 1 << 10, MaxSegments, 4096 + 128, 128, 3},
		{MaxSize, MaxSegment, MaxSegments, 8, 8, 2},
	} {
		l, err := NewLayout(c.size, c.segment)
		if err != nil {
			t.Errorf("%d bytes: %v", c.size, err)
			continue
		}
		if l.Segments() != c.segments || l.Index() != c.index || l.Top() != c.top || len(l.counts) != c.level {
			t.Errorf("%d bytes in segments of %d: %d segments, %d index pieces, %d at the top, %d levels; want %+v",
				c.size, c.segment, l.Segments(), l.Index(), l.Top(), len(l.counts), c)
		}
		if l.Pieces() > MaxPieces {
			t.Errorf("%d bytes: %d pieces, more than MaxPieces", c.size, l.Pieces())
		}
		sum := int64(0)
		for i := l.Index(); i < l.Pieces(); i++ {
			if l.Offset(i) != sum {
				t.Fatalf("%d bytes: segment %d is at %d, want %d", c.size, i, l.Offset(i), sum)
			}
			sum += int64(l.Len(i))
		}
		if sum != c.size {
			t.Errorf("segments of %d bytes have %d", c.size, sum)
		}
	}
}

func TestLayoutRefuses(t *testing.T) {
	for _, c := range []struct {
		size    int64
		segment int
		want    error
	}{
		{0, 64 << 10, ErrSize}, {-1, 64 << 10, ErrSize}, {MaxSize + 1, MaxSegment, ErrSize}, {MaxSegments<<10 + 1, 1 << 10, ErrSize},
		{1, 512, ErrManifest}, {1, 3 << 10, ErrManifest}, {1, 1 << 20, ErrManifest}, {1, 0, ErrManifest},
	} {
		if _, err := NewLayout(c.size, c.segment); !errors.Is(err, c.want) {
			t.Errorf("%d bytes in segments of %d: %v, want %v", c.size, c.segment, err, c.want)
		}
	}
	if _, err := NewBuilder(MaxSize + 1); !errors.Is(err, ErrSize) {
		t.Errorf("what is too large is begun: %v", err)
	}
}

// "Segments are 64 KiB up to 1 GiB": then they grow, and all that may be carried can be.
func TestSegmentFor(t *testing.T) {
	for size, want := range map[int64]int{1: 64 << 10, 1 << 30: 64 << 10, 1<<30 + 1: 128 << 10, 4 << 30: 256 << 10, 8 << 30: 512 << 10, MaxSize: 512 << 10} {
		if got := SegmentFor(size); got != want {
			t.Errorf("%d bytes: segments of %d, want %d", size, got, want)
		}
		if _, err := NewLayout(size, SegmentFor(size)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Every piece is genuine once the index piece above it was learnt, unknown before, and
// forged with any other bytes; pieces come in any order that this allows.
func TestTree(t *testing.T) {
	for _, size := range []int{1, 1023, 1024, 5000, MaxTop << 10, MaxTop<<10 + 1, 3<<20 + 77, MaxSegments<<10 - 5} {
		data := content(uint64(size), size)
		m, pieces := build(t, data, 1<<10, "x")
		tree := NewTree(m)
		rng := rand.New(rand.NewPCG(uint64(size), 1))
		ready := rng.Perm(m.Top())
		seen := NewBits(m.Pieces())
		for len(ready) > 0 {
			k := rng.IntN(len(ready))
			i := ready[k]
			ready[k] = ready[len(ready)-1]
			ready = ready[:len(ready)-1]
			if rng.IntN(16) == 0 {
				bad := bytes.Clone(pieces[i])
				bad[rng.IntN(len(bad))] ^= 1
				if tree.Check(i, bad) != Forged || tree.Check(i, pieces[i][1:]) != Forged {
					t.Fatalf("size %d: forged bytes pass for piece %d", size, i)
				}
			}
			if v := tree.Check(i, pieces[i]); v != Genuine {
				t.Fatalf("size %d: piece %d is %d", size, i, v)
			}
			seen.Set(i)
			from, to := m.Below(i)
			for j := from; j < to; j += 16 {
				if v := tree.Check(j, pieces[j]); v != Unknown {
					t.Fatalf("size %d: piece %d is %d before its index piece was learnt", size, j, v)
				}
			}
			a, b := tree.Learn(i, pieces[i])
			if a != from || b != to {
				t.Fatalf("size %d: piece %d has %d to %d below it, want %d to %d", size, i, a, b, from, to)
			}
			for ; a < b; a++ {
				ready = append(ready, a)
			}
			if a, b := tree.Learn(i, pieces[i]); a != b {
				t.Fatal("a piece is learnt twice")
			}
		}
		if seen.Count() != m.Pieces() {
			t.Errorf("size %d: %d of %d pieces came to be known", size, seen.Count(), m.Pieces())
		}
	}
}

// The root tells apart what differs in content, size or segments, and nothing else.
func TestRoot(t *testing.T) {
	data := content(1, 5000)
	m, _ := build(t, data, 1<<10, "a")
	same, _ := build(t, data, 1<<10, "b")
	if m.Root() != same.Root() {
		t.Error("the name is part of the root")
	}
	other := bytes.Clone(data)
	other[4999]++
	for _, c := range []struct {
		data    []byte
		segment int
	}{{other, 1 << 10}, {data[:4999], 1 << 10}, {data, 2 << 10}, {data, 64 << 10}} {
		if o, _ := build(t, c.data, c.segment, "a"); o.Root() == m.Root() {
			t.Errorf("%d bytes in segments of %d have the same root", len(c.data), c.segment)
		}
	}
}

func TestBits(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 1000} {
		all := AllBits(n)
		if all.Count() != n || all.Has(n) || !all.Has(n-1) {
			t.Errorf("all of %d: %d, the last %v, one more %v", n, all.Count(), all.Has(n-1), all.Has(n))
		}
		b := NewBits(n)
		if !b.Set(n-1) || b.Set(n-1) || !b.Has(n-1) || b.Count() != 1 || !b.Clear(n-1) || b.Clear(n-1) || b.Count() != 0 {
			t.Errorf("a set of %d does not hold what was put in", n)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf": "report.pdf", "Übung 1.txt": "Übung 1.txt",
		"../../etc/passwd": "_.._etc_passwd", "/etc/passwd": "_etc_passwd", `..\..\x.exe`: `_.._x.exe`,
		"": "unnamed", ".": "unnamed", "..": "unnamed", "...": "unnamed", "  ": "unnamed", ".bashrc": "bashrc",
		"a\x00b\nc\x1b[31m": "abc[31m", "evil\u202etxt.exe": "eviltxt.exe", "\xff\xfe": "unnamed",
		"con": "_con", "NUL.txt": "_NUL.txt", "com1": "_com1", "common": "common", "C:x": "C_x", "trailing. ": "trailing",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	long := SafeName(strings.Repeat("ü", 200) + ".tar.gz")
	if len(long) > maxSafe || !strings.HasSuffix(long, ".gz") {
		t.Errorf("a long name becomes %q, %d bytes", long, len(long))
	}
}
