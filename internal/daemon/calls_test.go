package daemon

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// TestPublishAndSubscribe: what one publishes the other reads, with all there is to
// say about it.
func TestPublishAndSubscribe(t *testing.T) {
	a, b, address := pair(t)
	one := a.publish("news", "one", wait(1), func(r *control.PublishRequest) { r.ContentType = "text/plain" })
	if one.Seq != 1 || one.TopicName != address || one.Topic != "news" || one.StoredBy != 1 || len(one.ID) != 64 {
		t.Errorf("published as %+v", one)
	}
	e := b.read("theirs", "all", 1)[0]
	if e.Type != control.EventEntry || e.ID != one.ID || e.Seq != 1 || string(e.Bytes()) != "one" || e.Topic != "theirs" ||
		e.TopicName != address || e.ContentType != "text/plain" || !strings.HasSuffix(address, e.Author) || e.Time.IsZero() {
		t.Errorf("read as %+v", e)
	}
	a.publish(address, "\xff\x00", wait(1))
	if e := b.read("theirs", "2", 1)[0]; e.Text != nil || string(e.Bytes()) != "\xff\x00" {
		t.Errorf("binary read as %+v", e)
	}
	once := func(r *control.PublishRequest) { r.Once = "key" }
	first, second := a.publish("news", "three", once), a.publish("news", "not", once)
	if first.Duplicate || !second.Duplicate || second.ID != first.ID || second.Seq != 3 {
		t.Errorf("once: %+v, %+v", first, second)
	}
	if got := texts(b.read("theirs", "1h", 3)); got != "one \xff\x00 three" {
		t.Errorf("the last hour: %q", got)
	}
	short := func(r *control.PublishRequest) { r.Wait, r.Timeout = 5, control.Duration(100*time.Millisecond) }
	if r := a.publish("news", "four", short); r.Seq != 4 || r.StoredBy > 1 {
		t.Errorf("waiting for too many: %+v", r)
	}
}

// TestOpenTopic: a plain name, or one with "#", is an open topic; publishing and
// reading join it.
func TestOpenTopic(t *testing.T) {
	a, b, _ := pair(t)
	stream := must(b.Subscribe(testContext(t), control.SubscribeRequest{Topic: "#news", Since: "now", Count: 2}))(t)
	a.publish("#news", "x", wait(1))
	b.publish("#news", "y", wait(1))
	var got []string
	if err := stream(func(e control.Event) bool { got = append(got, string(e.Bytes())+e.TopicName); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if strings.Join(got, " ") != "xnews ynews" {
		t.Errorf("read %q", got)
	}
	_, err := b.Subscribe(testContext(t), control.SubscribeRequest{Topic: "#news", Since: "7"})
	wantCode(t, err, control.CodeUsage, "no entry numbers", "10m")
	ended, cancel := context.WithCancel(testContext(t))
	cancel()
	if s, err := b.Subscribe(ended, control.SubscribeRequest{Topic: "#news"}); err == nil {
		if err := s(func(control.Event) bool { return true }); err == nil {
			t.Error("a stream without end has ended")
		}
	}
}

// TestFeeds: new, listed, followed again, unfollowed; and looking at feeds joins
// none.
func TestFeeds(t *testing.T) {
	ctx := testContext(t)
	a, b, address := pair(t)
	for _, text := range []string{"1", "2", "3"} {
		a.publish("news", text, wait(1))
	}
	list := must(b.Feeds(ctx))(t)
	if len(list) != 1 || list[0].Entries != 3 || list[0].First != 1 || list[0].Last != 3 || list[0].Missing != 0 ||
		list[0].Neighbours != 1 || list[0].Forked {
		t.Errorf("feeds: %+v", list)
	}
	if again := must(b.Follow(ctx, control.FollowRequest{Address: " " + address + "\n"}))(t); again[0].Name != "theirs" {
		t.Errorf("followed again: %+v", again)
	}
	if err := b.Unfollow(ctx, "theirs"); err != nil {
		t.Fatal(err)
	}
	if list := must(b.Feeds(ctx))(t); len(list) != 0 {
		t.Errorf("after unfollowing: %+v", list)
	}
	if st := must(b.Status(ctx))(t); len(st.Topics) != 0 {
		t.Errorf("still in %+v", st.Topics)
	}
}

// TestRefusals: each has a code, and says what to do.
func TestRefusals(t *testing.T) {
	ctx := testContext(t)
	a, b, address := pair(t)
	must(b.NewFeed(ctx, "mine"))(t)
	ticket := must(a.Ticket(ctx, nil))(t)
	other := must(a.NewFeed(ctx, "other"))(t)
	two := must(a.Ticket(ctx, []string{"news", other.Address}))(t)
	for _, c := range []struct {
		name string
		err  func() error
		code control.Code
		says string
	}{
		{"publish in another's feed", func() error {
			_, err := b.Publish(ctx, control.PublishRequest{Topic: "theirs", Body: control.NewBody([]byte("x"))})
			return err
		}, control.CodeRefused, "somebody else"},
		{"publish under a reserved name", func() error {
			_, err := b.Publish(ctx, control.PublishRequest{Topic: "/quilt/x", Body: control.NewBody([]byte("x"))})
			return err
		}, control.CodeRefused, "reserved"},
		{"name taken", func() error { _, err := b.NewFeed(ctx, "mine"); return err }, control.CodeExists, "mine"},
		{"unfollow nothing", func() error { return b.Unfollow(ctx, "nothing") }, control.CodeNotFound, "feed list"},
		{"unfollow own", func() error { return b.Unfollow(ctx, "mine") }, control.CodeRefused, "your own"},
		{"follow a damaged ticket", func() error {
			_, err := b.Follow(ctx, control.FollowRequest{Address: ticket[:len(ticket)-1]})
			return err
		}, control.CodeRefused, "ticket"},
		{"follow a ticket without feeds", func() error {
			_, err := b.Follow(ctx, control.FollowRequest{Address: ticket})
			return err
		}, control.CodeRefused, "--feed"},
		{"two feeds, one name", func() error {
			_, err := b.Follow(ctx, control.FollowRequest{Address: two, Name: "x"})
			return err
		}, control.CodeUsage, "leave the name out"},
		{"add no ticket", func() error { return b.AddTicket(ctx, address) }, control.CodeRefused, "ticket"},
		{"mirror into another's feed", func() error {
			_, err := b.AddMirror(ctx, control.MirrorRequest{Source: "http://127.0.0.1:1/", Feed: "theirs"})
			return err
		}, control.CodeRefused, "of your own"},
		{"mirror nothing there", func() error {
			_, err := b.AddMirror(ctx, control.MirrorRequest{Source: "http://127.0.0.1:1/", Feed: "mine"})
			return err
		}, control.CodeRefused, "mend the source"},
		{"mirror too often", func() error {
			_, err := b.AddMirror(ctx, control.MirrorRequest{Source: "http://127.0.0.1:1/", Feed: "mine", Interval: 1})
			return err
		}, control.CodeRefused, "too short"},
		{"remove no mirror", func() error { return b.RemoveMirror(ctx, "mine") }, control.CodeNotFound, "nothing is mirrored"},
	} {
		t.Run(c.name, func(t *testing.T) { wantCode(t, c.err(), c.code, c.says) })
	}
	if got := must(b.Follow(ctx, control.FollowRequest{Address: two}))(t); len(got) != 2 || got[0].Name != "theirs" {
		t.Errorf("followed %+v", got)
	}
}

// TestStoreFull: publishing says that the disk is full, and so does the status.
func TestStoreFull(t *testing.T) {
	ctx := testContext(t)
	a := start(t, newHome(t), node.WithStoreLimit(8<<10))
	must(a.NewFeed(ctx, "news"))(t)
	_, err := a.Publish(ctx, control.PublishRequest{Topic: "news", Body: control.NewBody(make([]byte, 16<<10))})
	wantCode(t, err, control.CodeFull, "free disk space")
	if st := must(a.Status(ctx))(t); !st.Store.Full || st.Store.Quota != 8<<10 {
		t.Errorf("store: %+v", st.Store)
	}
	a.publish("news", "small")
	if st := must(a.Status(ctx))(t); st.Store.Full {
		t.Error("still full after a publication")
	}
	site := newSite(t, 50)
	_, err = a.AddMirror(ctx, control.MirrorRequest{Source: site.URL, Feed: "news"})
	wantCode(t, err, control.CodeFull, "free disk space")
}

// TestStatusAndPeers: both sides tell of the link, the topics and what they hold.
func TestStatusAndPeers(t *testing.T) {
	ctx := testContext(t)
	a, b, address := pair(t)
	a.publish("news", "one", wait(1))
	a.publish("#talk", "unheard")
	if got := texts(b.read("theirs", "", 1)); got != "one" {
		t.Fatalf("read %q", got)
	}
	sa, sb := must(a.Status(ctx))(t), must(b.Status(ctx))(t)
	if sa.ID == sb.ID || sa.Version != "test" || sa.Home != a.home || len(sa.Addresses) == 0 || sa.PID == 0 ||
		sa.Links.Inbound+sa.Links.Outbound != 1 || sa.Store.Items != 2 || sa.Store.Bytes == 0 || sa.Traffic.BytesOut == 0 || len(sa.Refused) != 0 {
		t.Errorf("status: %+v", sa)
	}
	kinds := make(map[string]string)
	for _, topic := range append(sa.Topics, sb.Topics...) {
		kinds[topic.Name] = topic.Kind
		if topic.TopicName == address && (topic.Entries != 1 || topic.Last != 1 || topic.Neighbours != 1) {
			t.Errorf("topic: %+v", topic)
		}
	}
	if kinds["news"] != control.KindOwn || kinds["theirs"] != control.KindFollowed || kinds["talk"] != control.KindOpen {
		t.Errorf("kinds: %v", kinds)
	}
	pa, pb := must(a.Peers(ctx))(t), must(b.Peers(ctx))(t)
	if len(pa) != 1 || len(pb) != 1 || pa[0].ID != sb.ID || pb[0].ID != sa.ID || pa[0].Inbound && pb[0].Inbound || // both dial at once, perhaps
		!slices.Equal(pa[0].Topics, []string{"news"}) || !slices.Equal(pb[0].Topics, []string{"theirs"}) ||
		!slices.Contains([]string{"quic", "tcp"}, pa[0].Transport) || pa[0].Since.IsZero() {
		t.Errorf("peers: %+v\n%+v", pa, pb)
	}
}

// TestEvents: the stream tells of links, entries and feeds, each in words.
func TestEvents(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	b := start(t, newHome(t))
	events := must(b.Events(ctx))(t)
	a := start(t, newHome(t))
	must(a.NewFeed(ctx, "news"))(t)
	ticket := must(a.Ticket(ctx, []string{"news"}))(t)
	must(b.Follow(ctx, control.FollowRequest{Address: ticket, Name: "theirs"}))(t)
	b.publish("#talk", "hello")
	a.publish("news", "one")
	want := map[string]string{
		control.NoticeTopic: "follows theirs", control.NoticePeerUp: "linked with …",
		control.NoticePublished: "published talk item", control.NoticeEntry: "received theirs entry 1 from …",
	}
	err := events(func(n control.Notice) bool {
		if text, ok := want[n.Type]; ok && strings.HasPrefix(n.Text, text) && !n.Time.IsZero() {
			delete(want, n.Type)
		}
		return len(want) > 0
	})
	if err != nil {
		t.Errorf("%v; not told: %v", err, want)
	}
	down := must(b.Events(ctx))(t)
	a.stop()
	_ = down(func(n control.Notice) bool { return n.Type != control.NoticePeerDown })
}

// TestForkIsTold: a fork has an event for readers, a notice, and a mark in the list.
func TestForkIsTold(t *testing.T) {
	e := event("x", &node.Message{Kind: node.Fork, Seq: 3, First: 3, Last: 3})
	if e.Type != control.EventFork || e.Seq != 3 || e.First != 0 || len(e.ID) != 64 || len(e.OtherID) != 64 {
		t.Errorf("fork: %+v", e)
	}
	e = event("x", &node.Message{Kind: node.Gap, Seq: 3, First: 3, Last: 4})
	if e.Type != control.EventGap || e.Seq != 0 || e.First != 3 || e.Last != 4 || e.ID != "" {
		t.Errorf("gap: %+v", e)
	}
}

// TestLargestEntry: the largest payload there can be goes all the way.
func TestLargestEntry(t *testing.T) {
	a, b, _ := pair(t)
	large := strings.Repeat("x", feed.MaxPayload)
	a.publish("news", large, wait(1))
	if got := texts(b.read("theirs", "all", 1)); got != large {
		t.Errorf("read %d bytes", len(got))
	}
	_, err := a.Publish(testContext(t), control.PublishRequest{Topic: "news", Body: control.NewBody([]byte(large + "x"))})
	wantCode(t, err, control.CodeRefused)
}

// TestStopped: after the daemon has stopped every call says so.
func TestStopped(t *testing.T) {
	a := start(t, newHome(t))
	d := &Daemon{n: a.n}
	a.stop()
	_, err := d.Status(testContext(t))
	wantCode(t, err, control.CodeStopping)
	_, err = d.Publish(testContext(t), control.PublishRequest{Topic: "x", Body: control.NewBody(nil)})
	wantCode(t, err, control.CodeStopping)
	_, err = d.NewFeed(testContext(t), "late")
	wantCode(t, err, control.CodeStopping)
	_, err = a.Status(testContext(t))
	wantCode(t, err, control.CodeNotRunning)
}
