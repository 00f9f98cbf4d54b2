package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

func TestOpenCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if st := stats(t, s); st.Items != 0 || len(st.Topics) != 0 || st.FileBytes == 0 {
		t.Errorf("%+v", st)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none", "store.db"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that does not exist: %v", err)
	}
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	var locked *LockedError
	if _, err := Open(path, Options{}); !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("second opener: %v", err)
	}
	if msg := locked.Error(); !strings.Contains(msg, path) || !strings.Contains(msg, "stop") {
		t.Errorf("says not what to do: %s", msg)
	}
	mustPut(t, s, newAuthor(t, 1).feedItems(1, 1)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if st := stats(t, openAt(t, path, Options{})); st.Items != 1 {
		t.Errorf("after the first is closed: %+v", st)
	}
}

// TestOpenDamaged: a file that is no store, or a damaged one, is refused with an
// error that names it, and is left as it is.
func TestOpenDamaged(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	s := openAt(t, good, Options{})
	mustPut(t, s, newAuthor(t, 1).feedItems(1, 500)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"text", func([]byte) []byte { return []byte(strings.Repeat("this is no store\n", 1000)) }},
		{"one byte", func([]byte) []byte { return []byte{1} }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"both meta pages", func(b []byte) []byte {
			clear(b[:2*pageSize])
			return b
		}},
		{"cut after the meta pages", func(b []byte) []byte { return b[:3*pageSize] }},
		{"all but the meta pages", func(b []byte) []byte {
			clear(b[2*pageSize:])
			return b
		}},
		{"ones behind the meta pages", func(b []byte) []byte {
			for i := 2 * pageSize; i < len(b); i++ {
				b[i] = 0xff
			}
			return b
		}},
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		bad := tt.damage(append([]byte(nil), content...))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{})
		if err == nil {
			s.Close()
		}
		var damage *CorruptError
		if !errors.As(err, &damage) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(bad) {
			t.Errorf("%s: the file was changed (%v)", tt.name, err)
		}
	}
}

// TestDamagedTopic: a topic whose records are damaged yields errors, and the others
// go on, reading and writing.
func TestDamagedTopic(t *testing.T) {
	s := openTest(t, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	mustPut(t, s, a.feedItems(1, 2)...)
	mustPut(t, s, b.feedItems(1, 2)...)
	err := s.update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketTopics).Bucket(a.topic[:]).Put(keyStat, []byte("short"))
	})
	if err != nil {
		t.Fatal(err)
	}
	var damage *CorruptError
	if err := s.Arrivals(a.topic, 0, func(Arrival) bool { return true }); !errors.As(err, &damage) {
		t.Errorf("reading: %v", err)
	}
	results, err := s.Put(append(b.feedItems(3, 4), a.feedItems(3, 3)[0], b.feedItems(5, 5)[0])...)
	if !errors.As(err, &damage) {
		t.Errorf("writing: %v", err)
	}
	for i, ok := range []bool{true, true, false, true} {
		if results[i].New != ok || (results[i].Err == nil) != ok {
			t.Errorf("item %d: %+v", i, results[i])
		}
	}
	if got := rangeSeqs(t, s, b, 0, 9); got != "1 2 3 4 5" {
		t.Errorf("other topic has %q", got)
	}
}

// TestPanicInTransaction: what bbolt panics about is an error, and the store can be
// used and closed afterwards.
func TestPanicInTransaction(t *testing.T) {
	s := openTest(t, Options{})
	var damage *CorruptError
	if err := s.view(func(*bbolt.Tx) error { panic("page 7 is damaged") }); !errors.As(err, &damage) {
		t.Errorf("reading: %v", err)
	}
	if err := s.update(func(*bbolt.Tx) error { panic("page 7 is damaged") }); !errors.As(err, &damage) {
		t.Errorf("writing: %v", err)
	}
	mustPut(t, s, newAuthor(t, 1).feedItems(1, 1)...)
}

func TestOpenOtherFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	err := s.update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketSys).Put(keyFormat, appendNumbers(nil, format+1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var version *VersionError
	if _, err := Open(path, Options{}); !errors.As(err, &version) || version.Have != format+1 || version.Path != path {
		t.Errorf("later format: %v", err)
	}

	other := filepath.Join(t.TempDir(), "other.db")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var damage *CorruptError
	if _, err := Open(other, Options{}); !errors.As(err, &damage) {
		t.Errorf("another program's database: %v", err)
	}
}
