package ipmc

import (
	"math/rand/v2"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// BenchmarkReceive: what a receiver does for an item of 1 KiB, from the datagram to
// the container and back, signatures left out; and for the same once more.
func BenchmarkReceive(b *testing.B) {
	for _, again := range []int{0, 1} {
		b.Run([]string{"once", "and again"}[again], func(b *testing.B) {
			cfg := Options{NICs: []protocol.NIC{1}, Sign: func([]byte) []byte { return make([]byte, 64) },
				Verify: func(protocol.PeerID, []byte, []byte) bool { return true }}.Config("self", topicName)
			m := New(cfg, rand.New(rand.NewPCG(1, 1)))
			tagger, key := NewTagger(), KeyOf(topicName, "", nil)
			var datagrams [][]byte
			for i := range b.N {
				it := protocol.NewItem(topicName, "author", uint64(i+1), make([]byte, 1024))
				f := cut(it, 1, "peer", 1, uint64(i+1), m.room).first
				f.Sig = make([]byte, 64)
				datagrams = append(datagrams, tagger.Seal(nil, &key, topicID, protocol.FirstPatchObject, f))
			}
			var out protocol.Outbox
			from := protocol.Origin{NIC: 1, Multicast: true}
			b.ReportAllocs()
			b.ResetTimer()
			for i, d := range datagrams {
				now := protocol.Time(i) * 100_000
				for range 1 + again {
					frame, _ := tagger.Open(d, func(protocol.TopicID) *Key { return &key })
					f, _ := protocol.ParseFrame(append([]byte(nil), frame...))
					msg, _ := Decode(f.Kind, f.Body)
					m.Handle(now, protocol.Received{From: from, Topic: f.Topic, Object: f.Object, Msg: msg, At: now}, &out)
					for _, e := range out.Take() {
						if a, ok := e.(protocol.Arrive); ok {
							m.Handle(now, protocol.Accepted{Item: a.Item, From: a.From, Via: 16}, &out)
						}
					}
					_ = m.Deadline()
				}
			}
		})
	}
}
