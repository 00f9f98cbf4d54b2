package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestMeta(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	set := func(bucket, key, value string) {
		t.Helper()
		if err := s.SetMeta(bucket, key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	set("feeds", "news", "a")
	set("feeds", "blog", "b")
	set("feeds", "blog", "c")
	set("self", "news", "")
	if err := s.SetMeta("self", "gone", nil); err != nil {
		t.Fatal(err)
	}
	set("peers", "old", "x")
	if err := s.ReplaceMeta("peers", []MetaEntry{{"q", []byte("2")}, {"p", []byte("1")}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, tt := range []struct {
			bucket, key string
			want        []byte
		}{
			{"feeds", "news", []byte("a")}, {"feeds", "blog", []byte("c")}, {"self", "news", []byte{}},
			{"self", "gone", nil}, {"none", "x", nil}, {"peers", "old", nil}, {"peers", "p", []byte("1")},
		} {
			if got, err := s.Meta(tt.bucket, tt.key); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s/%s: %q, %v, want %q", tt.bucket, tt.key, got, err, tt.want)
			}
		}
		want := []MetaEntry{{"p", []byte("1")}, {"q", []byte("2")}}
		if got, err := s.MetaEntries("peers"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path, Options{})
	}
	if err := s.SetMeta("feeds", "blog", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.MetaEntries("feeds"); err != nil || len(got) != 1 {
		t.Errorf("after a removal: %v, %v", got, err)
	}
}

func TestMetaBounds(t *testing.T) {
	s := openTest(t, Options{})
	long := strings.Repeat("k", MaxMetaKey)
	if err := s.SetMeta(long, long, make([]byte, MaxMetaValue)); err != nil {
		t.Errorf("at the bounds: %v", err)
	}
	for _, err := range []error{
		s.SetMeta("", "k", nil), s.SetMeta("b", "", nil), s.SetMeta(long+"k", "k", nil), s.SetMeta("b", long+"k", nil),
		s.SetMeta("b", "k", make([]byte, MaxMetaValue+1)), s.ReplaceMeta("b", []MetaEntry{{"", nil}}),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("past the bounds: %v", err)
		}
	}
}
