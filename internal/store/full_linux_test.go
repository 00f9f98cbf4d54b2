package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of the given size, which needs root. Where it
// cannot, the test is skipped, except in CI, which must run it.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small file system: %v", err)
		}
		t.Skipf("mounting a small file system needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestDiskFull: a full disk fails puts with ErrFull and nothing else; what was
// stored stays readable, and after space is free again the store goes on, without
// being opened anew.
func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "4m")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.db")
	s := openAt(t, path, Options{})
	a := newAuthor(t, 1)
	stored := fillDisk(t, s, a, 1)
	if stored < 50 {
		t.Fatalf("full after %d items", stored)
	}
	for range 3 { // it stays full, and stays sound
		if _, err := s.Put(item(a.feed, a, stored+1, strings.Repeat("x", 1<<16))); !errors.Is(err, ErrFull) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	checkStored(t, s, a, stored)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	more := fillDisk(t, s, a, stored+1)
	if more < stored+10 {
		t.Fatalf("with 1 MiB free again only %d more items", more-stored)
	}
	checkStored(t, s, a, more)

	// Reopening a full store harms nothing, and retention makes room as well.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, Options{})
	checkStored(t, s, a, more)
	if _, err := s.Prune(a.topic, Retention{MaxItems: more / 2}); err != nil {
		t.Fatal(err)
	}
	if last := fillDisk(t, s, a, more+1); last < more+more/4 {
		t.Errorf("with half of %d items gone only %d more", more, last-more)
	}
}

// TestOpenOnFullDisk: creating a store on a full disk says that it is full.
func TestOpenOnFullDisk(t *testing.T) {
	dir := smallDisk(t, "64k")
	for i := range 100 {
		if err := os.WriteFile(filepath.Join(dir, "ballast"+strings.Repeat("x", i)), make([]byte, 1<<12), 0o600); err != nil {
			break
		}
	}
	if s, err := Open(filepath.Join(dir, "store.db"), Options{}); !errors.Is(err, ErrFull) {
		t.Errorf("%v, %v", s, err)
	}
}

// fillDisk puts entries from first on until the disk is full, and returns the
// number of the last that was stored.
func fillDisk(t *testing.T, s *Store, a author, first uint64) uint64 {
	t.Helper()
	for seq := first; seq < first+10_000; seq++ {
		_, err := s.Put(item(a.feed, a, seq, strings.Repeat("x", 4<<10)))
		if errors.Is(err, ErrFull) {
			return seq - 1
		}
		if err != nil {
			t.Fatalf("item %d: %v", seq, err)
		}
	}
	t.Fatal("the disk does not fill")
	return 0
}

func checkStored(t *testing.T, s *Store, a author, last uint64) {
	t.Helper()
	if st := stats(t, s); st.Items != last || st.Damaged != 0 {
		t.Fatalf("%d items, %d damaged, want %d", st.Items, st.Damaged, last)
	}
	for seq := uint64(1); seq <= last; seq++ {
		mustHave(t, s, item(a.feed, a, seq, strings.Repeat("x", 4<<10)))
	}
}
