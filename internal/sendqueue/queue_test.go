package sendqueue

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// frameOf returns an entry of n bytes.
func frameOf(class protocol.Class, n int, expires protocol.Time, tag any) Entry[int] {
	return Entry[int]{n, n, class, expires, tag}
}

// TestQueueOrder: the lower class first, first in first out within one; a frame that
// does not fit the write is not overtaken.
func TestQueueOrder(t *testing.T) {
	var q Queue[int]
	for _, e := range []Entry[int]{
		frameOf(protocol.Repair, 1, protocol.Never, "r1"),
		frameOf(protocol.Fresh, 50, protocol.Never, "f1"),
		frameOf(protocol.Fresh, 1, protocol.Never, "f2"),
		frameOf(protocol.Control, 1, protocol.Never, "c1"),
		frameOf(protocol.Control, 1, 5, "c2"),
	} {
		q.Push(0, e)
	}
	got := ""
	for _, step := range []struct {
		now   protocol.Time
		limit int
	}{{5, 10}, {5, 10}, {5, 10}, {6, 50}, {6, 50}, {6, 50}, {6, 50}} {
		if e, ok := q.Pop(step.now, step.limit); ok {
			got += fmt.Sprint(e.Tag, " ")
		} else {
			got += "- "
		}
	}
	if want := "c1 c2 - f1 f2 r1 - "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestQueueExpiry: a frame goes at its expiry at the latest; a full class makes room
// by dropping what has expired.
func TestQueueExpiry(t *testing.T) {
	var q Queue[int]
	for i := range MaxFreshFrames {
		q.Push(0, frameOf(protocol.Fresh, 1, protocol.Time(10+i/2), i))
	}
	q.Push(10, frameOf(protocol.Fresh, 1, protocol.Never, "refused"))
	q.Push(11, frameOf(protocol.Fresh, 1, protocol.Never, "one more"))
	if q.Dropped[protocol.Fresh] != 1 || q.Expired[protocol.Fresh] != 1 {
		t.Errorf("dropped %d, expired %d, want 1 and 1", q.Dropped[protocol.Fresh], q.Expired[protocol.Fresh])
	}
	if e, ok := q.Pop(11, 1); !ok || e.Tag != 2 {
		t.Errorf("popped %v, want the first that has not expired", e.Tag)
	}
	if got := fmt.Sprint(q.lost); got != "[{1 refused} {1 0} {1 1}]" {
		t.Errorf("lost: %s", got)
	}
}

// TestQueueMarks: congested above half, drained below an eighth, by control and
// fresh alone.
func TestQueueMarks(t *testing.T) {
	for _, c := range []struct {
		class protocol.Class
		size  int
		high  int // frames that are not yet congestion
	}{
		{protocol.Control, 1, MaxControlFrames / 2},
		{protocol.Fresh, 1, MaxFreshFrames / 2},
		{protocol.Fresh, 1 << 19, 2},
		{protocol.Control, 1 << 18, 2},
		{protocol.Repair, 1, MaxRepairFrames},
	} {
		var q Queue[int]
		for range c.high {
			q.Push(0, frameOf(c.class, c.size, protocol.Never, nil))
		}
		if q.congested {
			t.Errorf("%+v: congested at half", c)
		}
		q.Push(0, frameOf(c.class, c.size, protocol.Never, nil))
		if q.congested != (c.class != protocol.Repair) {
			t.Errorf("%+v: congested is %v above half", c, q.congested)
		}
		for q.congested {
			f := &q.fifos[c.class]
			if 8*f.len() < maxFrames[c.class] && 8*f.bytes < maxBytes[c.class] {
				t.Fatalf("%+v: still congested with %d frames of %d bytes", c, f.len(), f.bytes)
			}
			q.Pop(0, c.size)
		}
	}
}

// TestQueueBounds pushes and pops at random and checks after each step that no bound
// is passed, that sums are right, and that nothing is lost without being counted.
func TestQueueBounds(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var q Queue[int]
		var now protocol.Time
		pushed, popped := 0, 0
		for step := range 4000 {
			now += protocol.Time(rng.IntN(3))
			if rng.IntN(10) < 7-step/800 {
				size := 1 + rng.IntN(1<<(1+rng.IntN(20)))
				q.Push(now, frameOf(protocol.Class(rng.IntN(3)), size, now+protocol.Time(rng.IntN(5000)), step))
				pushed++
			} else if _, ok := q.Pop(now, 1+rng.IntN(protocol.MaxFrame)); ok {
				popped++
			}
			left := 0
			for c := range q.fifos {
				f := &q.fifos[c]
				sum := 0
				for _, e := range f.entries[f.head:] {
					sum += e.Size
				}
				if f.bytes != sum || f.len() > maxFrames[c] || sum > maxBytes[c] {
					t.Fatalf("seed %d step %d class %d: %d frames of %d bytes, sum is %d", seed, step, c, f.len(), f.bytes, sum)
				}
				left += f.len()
			}
			lost := 0
			for c := range q.Dropped {
				lost += int(q.Dropped[c] + q.Expired[c])
			}
			if pushed != popped+left+lost {
				t.Fatalf("seed %d step %d: %d pushed, %d popped, %d left, %d lost", seed, step, pushed, popped, left, lost)
			}
		}
	}
}

// TestQueueHoldsLargestFrame: every class has room for the largest frame.
func TestQueueHoldsLargestFrame(t *testing.T) {
	for c := range protocol.NumClasses {
		var q Queue[int]
		q.Push(0, frameOf(c, protocol.MaxFrame, protocol.Never, nil))
		if _, ok := q.Pop(0, protocol.MaxFrame); !ok {
			t.Errorf("class %d refuses a frame of MaxFrame", c)
		}
	}
}

// TestUnreportedIsBounded: a Handler that is not told of drops for long is told of
// MaxUnreported; all are counted.
func TestUnreportedIsBounded(t *testing.T) {
	var q Queue[int]
	for range MaxControlFrames + MaxUnreported + 10 {
		q.Push(0, frameOf(protocol.Control, 1, protocol.Never, nil))
	}
	if len(q.lost) != MaxUnreported || q.Dropped[protocol.Control] != MaxUnreported+10 {
		t.Errorf("%d unreported, %d counted", len(q.lost), q.Dropped[protocol.Control])
	}
}
