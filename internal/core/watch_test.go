package core

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Where protocols say on which links they depend, those are suspected after 1.5 s of
// silence, all others after 2.2 s, but that new ones are watched closely in any case; and
// what was not asked while nobody depended on it is not held against a peer.
func TestLinksWatchedAtLeisure(t *testing.T) {
	for _, tc := range []struct {
		name   string
		relies bool          // of the protocol
		rely   time.Duration // silence after which somebody depends on the link; 0 for never
		new    bool          // the link is
		want   time.Duration // of silence until it is suspected
	}{
		{"no protocol", false, 0, false, SuspectAfter},
		{"a new link", true, 0, true, SuspectAfter},
		{"nobody depends", true, 0, false, suspectLeisurely},
		{"depended on at once", true, time.Millisecond, false, SuspectAfter},
		{"depended on later", true, 2 * time.Second, false, 2*time.Second + SuspectAfter - PingAfter},
	} {
		obj := &holding{}
		h := New(Config{Self: "self", Linger: time.Hour, Plugin: &protocol.Plugin{Name: "x", Relies: tc.relies,
			New: func(protocol.Env) protocol.Machine { return obj }}}, rand.New(rand.NewPCG(1, 1)))
		var out protocol.Outbox
		now := protocol.Time(time.Second)
		suspected := false
		look := func() {
			for _, e := range out.Take() {
				if x, ok := e.(protocol.Event); ok && x.Name == "core.suspect" {
					suspected = true
				}
			}
		}
		pass := func(d time.Duration) { // in steps of a millisecond, as a driver that is never late
			for end := now.Add(d); now < end && !suspected; now = now.Add(time.Millisecond) {
				if h.Deadline() <= now {
					h.Advance(now, &out)
				}
				look()
			}
		}
		hear := func() {
			from := protocol.Origin{Peer: "p", Authenticated: true}
			h.Handle(now, protocol.Received{From: from, Msg: pong{}}, &out)
		}
		h.Handle(now, protocol.Start{}, &out)
		h.Handle(now, Join{Name: "t"}, &out)
		h.Handle(now, protocol.LinkUp{Link: protocol.Link{Peer: "p", RTT: time.Millisecond}}, &out)
		if !tc.new {
			for range 40 {
				pass(time.Second)
				hear()
			}
		}
		heard := now
		if tc.rely > 0 {
			pass(tc.rely)
			obj.wants = []protocol.Effect{protocol.Rely{Peer: "p", On: true}}
			h.Handle(now, protocol.BudgetChanged{UploadRate: 1}, &out)
		}
		pass(10 * time.Second)
		if got := now.Sub(heard); !suspected || got < tc.want || got > tc.want+50*time.Millisecond {
			t.Errorf("%s: suspected after %v (%v), want %v", tc.name, got, suspected, tc.want)
		}
	}
}
