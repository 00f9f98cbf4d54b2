package adversary

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestLies: what a liar passes on of itself has the victim's addresses and
// environment, all capabilities, and an ever greater sequence number.
func TestLies(t *testing.T) {
	r := newRig(t, "liar")
	victim := recordOf(bob)
	victim.EUIDs = [][]byte{{1, 2, 3}}
	r.do(core.Contacts{Records: []gossipmembership.Record{victim}})
	own := func() gossipmembership.Record {
		r.now = r.now.Add(2 * time.Second) // a shuffle too soon is not answered
		out := r.hear(bob, feedID, protocol.ObjectView, gossipmembership.Shuffle{Records: []gossipmembership.Record{victim}})
		for _, e := range of[protocol.Send](out) {
			if reply, ok := e.Msg.(gossipmembership.ShuffleReply); ok && len(reply.Records) > 0 {
				return reply.Records[0]
			}
		}
		t.Fatalf("no members in %v", out)
		return gossipmembership.Record{}
	}
	r.pass(time.Millisecond)
	first := own()
	if first.Peer != self || first.Seq != 2 || first.Caps != ^uint64(0) || first.Addrs[0] != victim.Addrs[0] || len(first.EUIDs) != 1 {
		t.Errorf("first says %+v", first)
	}
	detected := recordOf(self)
	detected.Seq, detected.EUIDs = 2, [][]byte{{9}}
	r.do(core.SelfRecord{Record: detected})
	r.do(protocol.EUIDChanged{NIC: 3, EUID: detected.EUIDs[0]})
	r.pass(lieEvery) // in which bob, who does not answer pings, is given up
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: bob}})
	r.hear(bob, feedID, protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: 3})
	if next := own(); next.Seq <= first.Seq || next.Peer != self || string(next.EUIDs[0]) != "\x01\x02\x03" {
		t.Errorf("then says %+v", next)
	}
	if nics := r.m.(*machine).honest.Explain(r.now).NICs; len(nics) != 1 || nics[0].NIC != 3 || string(nics[0].EUID) != "\x01\x02\x03" {
		t.Errorf("the core believes %+v", nics)
	}
}

// TestLatePong: a pong goes out pongDelay late, in order, and maxPongs wait at most.
func TestLatePong(t *testing.T) {
	r := newRig(t, "liar")
	ping := decoded(protocol.TopicID{}, protocol.ObjectHost, kindPing, []byte{7})
	for range maxPongs + 5 {
		if got := said(r.hear(bob, protocol.TopicID{}, protocol.ObjectHost, ping)); got != "" {
			t.Fatalf("says %q at once", got)
		}
	}
	pongs := func(d time.Duration) (n int) {
		for _, e := range of[protocol.Send](r.pass(d)) {
			if e.To == bob && e.Object == protocol.ObjectHost && e.Msg.Kind() == kindPong {
				n++
			}
		}
		return n
	}
	if n := pongs(pongDelay - 1); n != 0 {
		t.Errorf("%d pongs too early", n)
	}
	if n := pongs(1); n != maxPongs {
		t.Errorf("%d pongs, want %d", n, maxPongs)
	}
}

// TestMarks: a liar knows maxMarks hosts, no fellows, none without a signed record.
func TestMarks(t *testing.T) {
	r := newRig(t, "liar")
	l := r.m.(*machine).how.(*liar)
	l.mark([]gossipmembership.Record{recordOf(fellow), {Peer: "hinted", Addrs: []string{"x"}}})
	if len(l.marks) != 0 {
		t.Errorf("marks %v", l.marks)
	}
	for range maxMarks + 3 {
		l.mark([]gossipmembership.Record{recordOf(nobody(l.m.rng))})
	}
	if len(l.marks) != maxMarks {
		t.Errorf("%d marks", len(l.marks))
	}
}
