package store

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Manifests are listed as long as they are stored, over a restart too.
func TestManifests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	topic := protocol.TopicOf("square")
	if ids, err := s.Manifests(topic); err != nil || len(ids) > 0 {
		t.Fatalf("an unknown topic has %v, %v", ids, err)
	}
	b, _ := large.NewBuilder(5)
	b.Add([]byte("hello"))
	m, _ := b.Finish("hello.txt")
	manifest := protocol.NewItem("square", "author", 2, m.AppendTo(nil))
	for _, it := range []*protocol.Item{protocol.NewItem("square", "author", 1, []byte("text")), manifest} {
		if res, err := s.Put(it); err != nil || len(res) != 1 || !res[0].New {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ids, err := s.Manifests(topic); err != nil || !slices.Equal(ids, []protocol.ItemID{manifest.ID}) {
		t.Errorf("listed: %v, %v", ids, err)
	}
	if err := s.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.Manifests(topic); err != nil || len(ids) > 0 {
		t.Errorf("after the topic was removed: %v, %v", ids, err)
	}
}
