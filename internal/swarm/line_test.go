package swarm

import (
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// A request waits for a piece to each neighbour that is being served, at the rate at which
// pieces were handed out.
func TestOwnWait(t *testing.T) {
	r := newRig(t)
	r.members(3)
	if w := r.m.ownWait(r.now); w != 0 {
		t.Errorf("with nobody served a request waits for %v", w)
	}
	serve := func(n, pieces int, every time.Duration) {
		for i := range pieces {
			r.now = r.now.Add(every)
			r.m.peers[i%n].servedAt = r.now
			r.m.line.add(r.now, large.DefaultSegment)
		}
	}
	for _, tc := range []struct {
		served      int
		every, want time.Duration
	}{{1, 100 * time.Millisecond, 100 * time.Millisecond}, {3, 100 * time.Millisecond, 300 * time.Millisecond}, {3, 10 * time.Millisecond, 30 * time.Millisecond},
		{3, 2 * lineSince, longestLine}} {
		r.now = r.now.Add(time.Minute)
		serve(tc.served, int(4*lineOver/tc.every)+8, tc.every)
		for i := range tc.served { // as if all at once
			r.m.peers[i].servedAt = r.now
		}
		if w := r.m.ownWait(r.now); w < tc.want*9/10 || w > tc.want*11/10 {
			t.Errorf("%d are served, a piece every %v: a request waits for %v, want %v", tc.served, tc.every, w, tc.want)
		}
	}
	r.now = r.now.Add(lineSince)
	if w := r.m.ownWait(r.now); w != 0 {
		t.Errorf("long after the last piece it waits for %v", w)
	}
}

// What a request waits for at this host's own uplink is not laid to who answers it.
func TestWindowOfABusyHost(t *testing.T) {
	for _, busy := range []bool{false, true} {
		r := newRig(t)
		r.members(2)
		c := newContent(t, 1, 300<<10, 1<<10)
		r.in(protocol.Accepted{Item: c.item})
		r.in(Opened{Root: c.root, OK: true})
		r.from(numbered(0), Have{Root: c.root, Form: All})
		n := r.m.peer(numbered(0))
		for range 12 { // answers take a second, and pieces leave here one in a second
			r.now = r.now.Add(time.Second)
			if busy {
				r.m.peer(numbered(1)).servedAt = r.now
				r.m.line.add(r.now, large.DefaultSegment)
			}
			for _, q := range slices.Clone(r.m.byRoot[c.root].requests) {
				r.from(numbered(0), Piece{Root: c.root, Index: q.piece, Bytes: c.pieces[q.piece]})
			}
		}
		if grown := n.window > firstWindow; grown != busy {
			t.Errorf("busy %v: it may be asked for %.1f pieces at a time", busy, n.window)
		}
	}
}
