package core

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// An observer sees a topic's protocols in order of their numbers; of one that is not
// joined, none.
func TestObjects(t *testing.T) {
	h := New(Config{Self: "self"}, rand.New(rand.NewPCG(1, 2)))
	var out protocol.Outbox
	h.Handle(0, Join{Name: "news"}, &out)
	var ids []protocol.ObjectID
	for _, topic := range []string{"news", "weather"} {
		h.Objects(protocol.TopicOf(topic), func(id protocol.ObjectID, m protocol.Machine) {
			if m == nil {
				t.Errorf("object %d is no machine", id)
			}
			ids = append(ids, id)
		})
	}
	if want := []protocol.ObjectID{protocol.ObjectGossip, protocol.ObjectRepair}; !slices.Equal(ids, want) {
		t.Errorf("objects %v, want %v", ids, want)
	}
}
