package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestGate: at most MaxBanned peers are refused at once; what expires soonest makes
// room, one at a time, and what has expired is forgotten.
func TestGate(t *testing.T) {
	g := newGate()
	peerOf := func(i int) protocol.PeerID { return protocol.PeerID(fmt.Sprint("peer ", i)) }
	g.ban("brief", time.Nanosecond)
	time.Sleep(time.Millisecond)
	if !g.open("brief") {
		t.Error("refused for longer than asked")
	}
	for i := range core.MaxBanned {
		g.ban(peerOf(i), time.Hour+time.Duration(i)*time.Second)
	}
	if len(g.banned) != core.MaxBanned || g.open(peerOf(0)) {
		t.Fatalf("%d refused; the first: %v", len(g.banned), !g.open(peerOf(0)))
	}
	g.ban(peerOf(core.MaxBanned-1), 2*time.Hour) // known: nobody has to go
	if len(g.banned) != core.MaxBanned || g.open(peerOf(0)) {
		t.Error("refusing somebody twice has freed another")
	}
	g.ban("one more", time.Hour)
	for i := range core.MaxBanned {
		if g.open(peerOf(i)) != (i == 0) {
			t.Errorf("peer %d refused: %v", i, !g.open(peerOf(i)))
		}
	}
	if g.open("one more") || !g.InterceptPeerDial(peerOf(0)) || g.InterceptPeerDial("one more") {
		t.Error("the newest is not refused, or the oldest still is")
	}
}

// TestBoundedMemories: what is remembered of the past stays within its bounds, and
// holds at least one generation.
func TestBoundedMemories(t *testing.T) {
	item := func(i int) (id protocol.ItemID) { id[0], id[1], id[2] = byte(i), byte(i>>8), 1; return id }
	var f forksSeen
	var o origins
	var r receiptWaits
	var c recordChecks
	n := &Node{}
	for i := range 3 * maxCheckedRecords {
		if at := (forkAt{seq: uint64(i)}); !f.add(at) || f.add(at) {
			t.Fatalf("fork %d is not counted once", i)
		}
		o.put(item(i), "peer")
		r.add(core.Receipts{ID: item(i), Peers: []protocol.PeerID{"peer"}})
		c.add([32]byte(item(i)))
		n.count(fmt.Sprint("counter ", i), 1)
	}
	for _, b := range []struct {
		name     string
		size     int
		min, max int
	}{
		{"forks", len(f.young) + len(f.old), maxForksSeen, 2 * maxForksSeen},
		{"origins", len(o.young) + len(o.old), maxOrigins, 2 * maxOrigins},
		{"receipts", len(r.young) + len(r.old), maxReceipts, 2 * maxReceipts},
		{"records", len(c.young) + len(c.old), maxCheckedRecords, 2 * maxCheckedRecords},
		{"counters", len(n.Counters()), maxCounters, maxCounters},
	} {
		if b.size < b.min || b.size > b.max {
			t.Errorf("%s: %d remembered, want %d to %d", b.name, b.size, b.min, b.max)
		}
	}
	last := item(3*maxCheckedRecords - 1)
	if o.get(last) != "peer" || o.get(item(0)) != "" || !c.has([32]byte(last)) {
		t.Error("the newest is forgotten, or the oldest is not")
	}
	if w := r.wait(last); w.count() != 1 {
		t.Error("who waits again is not told of earlier receipts")
	}
	if w := r.wait(item(0)); w.count() != 0 {
		t.Error("receipts of long ago are remembered")
	}
}

// TestServeIsBounded: requests of a peer that takes nothing are dropped beyond
// MaxServeJobs.
func TestServeIsBounded(t *testing.T) {
	n := &Node{servers: map[protocol.PeerID]*server{"p": {jobs: make(chan protocol.Effect, MaxServeJobs)}}}
	for range MaxServeJobs + 3 {
		n.serve("p", protocol.FetchAndSend{To: "p"})
		n.serve("stranger", protocol.FetchAndSend{To: "stranger"})
	}
	if counted(n, "serve.no-room") != 3 {
		t.Errorf("%d requests dropped, want 3", counted(n, "serve.no-room"))
	}
}

// TestSlowWatcher: who does not take notices loses them, and holds up nobody.
func TestSlowWatcher(t *testing.T) {
	a := start(t, t.TempDir())
	notices, end := a.Watch()
	for range maxNotices + 10 {
		a.notices.send(Notice{Kind: Warning})
	}
	if len(notices) != maxNotices {
		t.Errorf("%d notices wait", len(notices))
	}
	end()
	end()
	other, end := a.Watch()
	defer end()
	a.notices.warnOnce("this", "text")
	a.notices.warnOnce("this", "text")
	a.notices.warnOnce("that", "text")
	if len(other) != 2 {
		t.Errorf("%d warnings, want each once", len(other))
	}
}

// TestResolve: a local name wins, "#" means an open topic, and what can be neither is
// refused.
func TestResolve(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	theirs := newWriter(t, newKey(t)).topic
	if _, err := a.Follow(theirs, "friend"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, want string }{
		{"news", mine.Name()}, {"friend", theirs}, {"#news", "news"}, {"talk", "talk"}, {"#talk", "talk"},
		{mine.Name(), mine.Name()}, {theirs, theirs}, {"##x", "#x"},
		{"", ""}, {"#", ""}, {"/quilt/feed/x", ""}, {"/quilt/x", ""}, {"#/quilt/x", ""}, {"\xff", ""},
	} {
		got, err := a.Resolve(c.in)
		if err == nil && got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q resolves to %q, %v", c.in, got, err)
		}
	}
}

// TestFeedNames: what a feed can be called, and that a name and an address are taken
// once.
func TestFeedNames(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	theirs := newWriter(t, newKey(t)).topic
	for _, name := range []string{"", ".", "../x", "a/b", "-x", "x y", "é", string(make([]byte, 65))} {
		_, err := a.NewFeed(name)
		wantError(t, err, ErrFeedName)
		if name != "" {
			_, err = a.Follow(theirs, name)
			wantError(t, err, ErrFeedName)
		}
	}
	_, err := a.NewFeed("news")
	wantError(t, err, ErrFeedExists, "news")
	_, err = a.Follow(theirs, "news")
	wantError(t, err, ErrFeedExists, "another name")
	_, err = a.Follow("news", "x")
	wantError(t, err, ErrBadAddress)
	_, err = a.Held("talk")
	wantError(t, err, ErrBadAddress)
	if f, err := a.Follow(mine.Name(), "x"); err != nil || f.Name != "news" || !f.Own {
		t.Errorf("following an own feed gives %+v, %v", f, err)
	}
	first, err := a.Follow(theirs, "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := a.Follow(theirs, "other"); err != nil || again.Name != first.Name {
		t.Errorf("followed as %q and %q (%v)", first.Name, again.Name, err)
	}
	wantError(t, a.Unfollow("news"), ErrOwnFeed)
	wantError(t, a.Unfollow("nobody"), ErrNoFeed)
	if err := a.Unfollow(theirs); err != nil {
		t.Error(err)
	}
	if len(a.Feeds()) != 1 {
		t.Errorf("feeds: %v", a.Feeds())
	}
}

// TestTicketNames: a ticket names its maker and the topics asked for; a Node that is
// given it makes contact.
func TestTicketNames(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	text, err := a.Ticket(mine.Name(), "talk")
	if err != nil {
		t.Fatal(err)
	}
	tk, err := gossipmembership.ParseTicket(text)
	if err != nil || len(tk.Peers) != 1 || tk.Peers[0].Peer != a.ID() || len(tk.Topics) != 2 {
		t.Fatalf("%+v, %v", tk, err)
	}
	b := start(t, t.TempDir())
	topics, err := b.AddTicket(text)
	if err != nil || len(topics) != 2 || topics[0] != mine.Name() {
		t.Errorf("%v, %v", topics, err)
	}
	await(t, "a link", func() bool { return linked(t, a, b) && linked(t, b, a) })
	third, err := b.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	if tk, err := gossipmembership.ParseTicket(third); err != nil || len(tk.Peers) != 2 {
		t.Errorf("the ticket of who knows another names %d peers (%v)", len(tk.Peers), err)
	}
}
