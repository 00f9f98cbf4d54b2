package control

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

// three is what a topic has to say in these tests.
var three = []Event{
	{Type: EventEntry, Topic: "a", Seq: 1, Body: NewBody([]byte("one"))},
	{Type: EventGap, Topic: "a", First: 2, Last: 4},
	{Type: EventEntry, Topic: "a", Seq: 5, Body: NewBody(nil), Late: true},
}

// of returns a stream of events that ends with err.
func of(events []Event, err error) Stream[Event] {
	return func(yield func(Event) bool) error {
		for _, e := range events {
			if !yield(e) {
				return nil
			}
		}
		return err
	}
}

// collect reads a stream to its end.
func collect[T any](s Stream[T]) (got []T, err error) {
	err = s(func(v T) bool {
		got = append(got, v)
		return true
	})
	return got, err
}

func TestStream(t *testing.T) {
	d := &fake{events: of(three, nil)}
	c, _ := serve(t, d)
	s, err := c.Subscribe(t.Context(), SubscribeRequest{Topic: "a", Since: "10m", Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(s)
	if err != nil || !reflect.DeepEqual(got, three) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, three)
	}
	if want := (SubscribeRequest{Topic: "a", Since: "10m", Count: 2}); d.asked != want {
		t.Errorf("the daemon was asked %+v, want %+v", d.asked, want)
	}
}

// A reader that has enough ends the daemon's side too, without an error.
func TestStreamLeftEarly(t *testing.T) {
	gone := make(chan struct{})
	d := &fake{events: func(yield func(Event) bool) error {
		defer close(gone)
		for yield(three[0]) {
		}
		return nil
	}}
	c, _ := serve(t, d)
	s, err := c.Subscribe(t.Context(), SubscribeRequest{Topic: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s(func(Event) bool { return false }); err != nil {
		t.Error(err)
	}
	<-gone
}

// An error before the stream is the call's; one within it ends it, after all
// that came before.
func TestStreamErrors(t *testing.T) {
	full := NewError(CodeFull, "the disk is full", "make room")
	d := &fake{err: full}
	c, _ := serve(t, d)
	if _, err := c.Subscribe(t.Context(), SubscribeRequest{Topic: "a"}); CodeOf(err) != CodeFull {
		t.Errorf("subscribing failed with %v, want %v", err, full)
	}
	if _, err := c.Events(t.Context()); CodeOf(err) != CodeFull {
		t.Errorf("watching failed with %v, want %v", err, full)
	}
	d.err, d.events = nil, of(three, full)
	s, err := c.Subscribe(t.Context(), SubscribeRequest{Topic: "a"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(s)
	if len(got) != 3 || CodeOf(err) != CodeFull || err.Error() != full.Error() {
		t.Errorf("got %d events and %v, want 3 and %v", len(got), err, full)
	}
}

// Each line is there as soon as it is written: here each is written only after
// the one before was read.
func TestStreamFlushesEachLine(t *testing.T) {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	d := &fake{notices: func(context.Context) Stream[Notice] {
		return func(yield func(Notice) bool) error {
			for i := range uint64(5) {
				<-turn
				yield(Notice{Type: NoticeEntry, Seq: i})
			}
			return nil
		}
	}}
	c, _ := serve(t, d)
	s, err := c.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	err = s(func(got Notice) bool {
		if got.Seq != n {
			t.Errorf("notice %d, want %d", got.Seq, n)
		}
		n++
		turn <- struct{}{}
		return true
	})
	if err != nil || n != 5 {
		t.Errorf("%d notices and %v, want 5", n, err)
	}
}

// untilDone is a stream that has nothing to say.
func untilDone(ctx context.Context) Stream[Notice] {
	return func(func(Notice) bool) error {
		<-ctx.Done()
		return ctx.Err()
	}
}

// A reader that goes away ends the daemon's side.
func TestStreamCancelled(t *testing.T) {
	ended := make(chan struct{})
	d := &fake{notices: func(ctx context.Context) Stream[Notice] {
		return func(yield func(Notice) bool) error {
			defer close(ended)
			return untilDone(ctx)(yield)
		}
	}}
	c, _ := serve(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := collect(s); !errors.Is(err, context.Canceled) {
		t.Errorf("the reader got %v, want %v", err, context.Canceled)
	}
	<-ended
}

// A server that closes tells its readers why.
func TestStreamWhenServerCloses(t *testing.T) {
	d := &fake{notices: untilDone}
	c, server := serve(t, d)
	s, err := c.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if _, err := collect(s); CodeOf(err) != CodeStopping {
		t.Errorf("the reader got %v, want code %s", err, CodeStopping)
	}
	if _, err := c.Status(t.Context()); CodeOf(err) != CodeNotRunning {
		t.Errorf("after closing a call got %v, want code %s", err, CodeNotRunning)
	}
}

// MaxCalls streams are served at once, and the next call is refused until one
// of them ends.
func TestMaxCalls(t *testing.T) {
	d := &fake{notices: untilDone}
	c, _ := serve(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var streams []Stream[Notice]
	for i := range MaxCalls {
		s, err := c.Events(ctx)
		if err != nil {
			t.Fatalf("stream %d: %v", i+1, err)
		}
		streams = append(streams, s)
	}
	if _, err := c.Status(t.Context()); CodeOf(err) != CodeFull {
		t.Errorf("call %d got %v, want code %s", MaxCalls+1, err, CodeFull)
	}
	cancel()
	for _, s := range streams {
		_, _ = collect(s)
	}
	for { // the server notices in its own time
		_, err := c.Status(t.Context())
		if err == nil {
			return
		}
		if CodeOf(err) != CodeFull {
			t.Fatal(err)
		}
	}
}
