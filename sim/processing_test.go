package sim

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestVerdicts: what was published is valid, decoded anew or not; all else is not;
// and each takes its time.
func TestVerdicts(t *testing.T) {
	net := New(Config{Seed: 1, Processing: 10 * time.Millisecond})
	author, reader := net.Add(), net.Add()
	author.Join("news", author.ID())
	reader.Join("news", author.ID())
	it := author.Publish("news", []byte("true"))
	again, err := protocol.ParseItem(append([]byte(nil), it.Bytes...))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		at   *Host
		item *protocol.Item
		want protocol.Verdict
	}{
		{"published", reader, it, protocol.Valid},
		{"decoded", reader, again, protocol.Valid},
		{"with a signature", reader, it.WithSignature(make([]byte, 64), nil), protocol.Invalid},
		{"altered", reader, protocol.NewItem("news", author.ID(), 1, []byte("false")), protocol.Invalid},
		{"invented", reader, protocol.NewItem("news", author.ID(), 2, nil), protocol.Invalid},
		{"held", author, it, protocol.Known},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const token = 1 << 40
			start := net.Now()
			test.at.verify(protocol.Verify{Token: token, Item: test.item})
			seen := false
			net.watch(time.Duration(start)+50*time.Millisecond, func(e event) {
				if v, ok := e.input.(protocol.Verified); ok && v.Token == token {
					seen = true
					if v.Verdict != test.want || e.at != start.Add(10*time.Millisecond) {
						t.Errorf("verdict %v after %v, want %v after 10ms", v.Verdict, e.at.Sub(start), test.want)
					}
				}
			})
			if !seen {
				t.Error("no verdict")
			}
		})
	}
}
