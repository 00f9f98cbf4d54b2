package control

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// fake is a daemon that answers as it is told and remembers what it was asked.
type fake struct {
	asked   any
	err     error
	publish func(context.Context, PublishRequest) (PublishReply, error)
	events  Stream[Event]
	notices func(context.Context) Stream[Notice]
}

func (f *fake) Publish(ctx context.Context, r PublishRequest) (PublishReply, error) {
	f.asked = r
	if f.publish != nil {
		return f.publish(ctx, r)
	}
	return PublishReply{Topic: "alice", TopicName: "/quilt/feed/x", Seq: 7, ID: "ab", StoredBy: 2, Duplicate: true}, f.err
}

func (f *fake) Subscribe(_ context.Context, r SubscribeRequest) (Stream[Event], error) {
	f.asked = r
	return f.events, f.err
}

func (f *fake) NewFeed(_ context.Context, name string) (FeedInfo, error) {
	f.asked = name
	return FeedInfo{Name: name, Own: true}, f.err
}

func (f *fake) Feeds(context.Context) ([]FeedInfo, error) {
	return []FeedInfo{{Name: "a"}, {Name: "b", Missing: 3}}, f.err
}

func (f *fake) Follow(_ context.Context, r FollowRequest) ([]FeedInfo, error) {
	f.asked = r
	return []FeedInfo{{Name: r.Name, Address: r.Address}}, f.err
}

func (f *fake) Unfollow(_ context.Context, name string) error {
	f.asked = name
	return f.err
}

func (f *fake) AddMirror(_ context.Context, r MirrorRequest) (MirrorInfo, error) {
	f.asked = r
	return MirrorInfo{Source: r.Source, Feed: r.Feed, Interval: r.Interval}, f.err
}

func (f *fake) RemoveMirror(_ context.Context, feed string) error {
	f.asked = feed
	return f.err
}

func (f *fake) Mirrors(context.Context) ([]MirrorInfo, error) {
	return []MirrorInfo{{Feed: "m"}}, f.err
}

func (f *fake) Ticket(_ context.Context, feeds []string) (string, error) {
	f.asked = feeds
	return "quilt1x", f.err
}

func (f *fake) AddTicket(_ context.Context, ticket string) error {
	f.asked = ticket
	return f.err
}

func (f *fake) Peers(context.Context) ([]PeerInfo, error) {
	return []PeerInfo{{ID: "p", RTTMillis: 1.5, Topics: []string{"a"}}}, f.err
}

func (f *fake) Status(context.Context) (StatusInfo, error) {
	return StatusInfo{ID: "me", Refused: []Counter{{"bad signature", 3}}}, f.err
}

func (f *fake) Environment(context.Context) (EnvironmentInfo, error) {
	return EnvironmentInfo{NICs: []NICInfo{{Name: "lan0", Published: []Property{{"mapping", "none"}}}}}, f.err
}

func (f *fake) Events(ctx context.Context) (Stream[Notice], error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.notices(ctx), nil
}

func (f *fake) Stop(context.Context) error {
	f.asked = "stop"
	return f.err
}

// serve puts a daemon on a socket and returns a client for it.
func serve(t *testing.T, d Daemon) (*Client, *Server) {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	l, err := Listen(home, "")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(d)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c := NewClient(home)
	t.Cleanup(func() {
		c.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		l.Unlock()
	})
	return c, s
}

func (f *fake) PublishFile(_ context.Context, r PublishFileRequest, content io.Reader) (PublishReply, error) {
	n, err := io.Copy(io.Discard, content)
	return PublishReply{Topic: r.Topic, ID: strings.Repeat("f", 64), File: &FileInfo{Name: r.Name, Size: n}}, err
}

func (f *fake) File(context.Context, FileRequest) (FileInfo, error) {
	return FileInfo{Name: "a", Size: 5, Held: 5, Complete: true}, nil
}

func (f *fake) FileContent(context.Context, FileRequest) (io.Reader, int64, error) {
	return strings.NewReader("hello"), 5, nil
}
