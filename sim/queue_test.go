package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestQueueOrder: whatever is pushed and popped, near or far, before the bucket of the
// present or in it, comes out in order of time, and of pushing where times are equal.
func TestQueueOrder(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var q queue
		var now protocol.Time
		var seq uint64
		var model []due
		for step := range 20_000 {
			if q.len() != len(model) {
				t.Fatalf("seed %d step %d: %d events, want %d", seed, step, q.len(), len(model))
			}
			if rng.IntN(20) < 11-step/4000 || len(model) == 0 {
				seq++
				spans := []time.Duration{1, time.Microsecond, 3 * time.Millisecond, time.Second, 20 * time.Second}
				e := event{at: now.Add(time.Duration(rng.Int64N(int64(spans[rng.IntN(len(spans))])))), host: int32(seq)}
				q.push(seq, &e)
				model = append(model, due{at: e.at, seq: seq})
				continue
			}
			first := 0
			for i := range model {
				if model[i].before(&model[first]) {
					first = i
				}
			}
			if e := q.next(); e.at != model[first].at || uint64(e.host) != model[first].seq {
				t.Fatalf("seed %d step %d: next is %d at %v, want %d at %v", seed, step, e.host, e.at, model[first].seq, model[first].at)
			}
			if rng.IntN(8) == 0 {
				continue // looked at and left: the queue may have gone on to a later bucket
			}
			now = q.pop().at
			model = slices.Delete(model, first, first+1)
		}
	}
}

// TestQueueLetsGo: the room of a crowd is not kept, that of others serves again, and
// nothing that has happened is referred to.
func TestQueueLetsGo(t *testing.T) {
	var q queue
	for i := range 5000 {
		q.push(uint64(i), &event{at: 5, input: protocol.Start{}})
	}
	for q.len() > 0 {
		q.pop()
	}
	if q.ring[0].at(0).input != nil {
		t.Error("an event that has happened is still referred to")
	}
	for turn := range protocol.Time(3 * buckets) {
		q.push(uint64(turn), &event{at: (turn + 2) * bucketSpan})
		q.pop()
	}
	if kept := len(q.spare) + q.used; kept == 0 || kept > 3 {
		t.Errorf("the room of %d chunks is kept where two were ever in use", kept)
	}
}
