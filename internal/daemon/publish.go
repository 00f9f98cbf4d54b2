package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// Publish implements control.Daemon.
func (d *Daemon) Publish(ctx context.Context, req control.PublishRequest) (control.PublishReply, error) {
	t, err := d.topic(req.Topic)
	if err != nil {
		return control.PublishReply{}, Explain(err)
	}
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(req.Timeout))
		defer cancel()
	}
	opts := []node.PublishOption{node.WithWait(req.Wait), node.WithOnce(req.Once)}
	if req.ContentType != "" && t.Owner() != "" {
		opts = append(opts, node.WithContentType(req.ContentType))
	}
	p, err := t.Publish(ctx, req.Bytes(), opts...)
	if errors.Is(err, node.ErrNotEnoughReceipts) {
		err = nil // StoredBy tells
	}
	return control.PublishReply{Topic: req.Topic, TopicName: t.Name(), Seq: p.Seq, ID: fullID(p),
		StoredBy: p.StoredBy, Duplicate: p.Duplicate}, refused(err)
}

func fullID(p node.Published) string { return p.ID.Full() }

// refused marks what the publisher can mend by publishing something else.
func refused(err error) error {
	if errors.Is(err, feed.ErrTooLarge) || errors.Is(err, feed.ErrEntry) {
		return control.NewError(control.CodeRefused, err.Error(), "")
	}
	return Explain(err)
}

// topic joins what a person calls a topic.
func (d *Daemon) topic(name string) (*node.Topic, error) {
	full, err := d.n.Resolve(name)
	if err != nil {
		return nil, err
	}
	return d.n.Join(full)
}

// Subscribe implements control.Daemon.
func (d *Daemon) Subscribe(ctx context.Context, req control.SubscribeRequest) (control.Stream[control.Event], error) {
	since, err := control.ParseSince(req.Since)
	if err != nil {
		return nil, err
	}
	t, err := d.topic(req.Topic)
	if err != nil {
		return nil, Explain(err)
	}
	opt := node.FromStart()
	switch {
	case since.Now:
		opt = node.FromNow()
	case since.Seq > 0:
		opt = node.FromSeq(since.Seq)
	case since.Age > 0:
		opt = node.FromTime(time.Now().Add(-since.Age))
	}
	if since.Seq > 0 && t.Owner() == "" {
		return nil, control.NewError(control.CodeUsage, "an open topic has no entry numbers", `give "all", "now" or a duration such as 10m`)
	}
	sub, err := t.Subscribe(opt)
	if err != nil {
		return nil, Explain(err)
	}
	return func(yield func(control.Event) bool) error {
		defer sub.Cancel()
		if req.Files {
			return readFiles(ctx, sub, req, t, yield)
		}
		return read(ctx, sub, req, yield)
	}, nil
}

// read hands out what a subscription yields.
func read(ctx context.Context, sub *node.Subscription, req control.SubscribeRequest, yield func(control.Event) bool) error {
	for entries := 0; req.Count == 0 || entries < req.Count; {
		m, err := sub.Next(ctx)
		if err != nil {
			return Explain(err)
		}
		if m.Kind == node.Item {
			entries++
		}
		if !yield(event(req.Topic, m)) {
			return nil
		}
	}
	return nil
}

// event is a message as it travels over the socket.
func event(topic string, m *node.Message) control.Event {
	e := control.Event{Type: control.EventEntry, Topic: topic, TopicName: m.Topic, Author: m.Author.String(),
		Seq: m.Seq, First: m.First, Last: m.Last, Late: m.Late, Time: m.Time, ContentType: m.ContentType}
	switch m.Kind {
	case node.Gap:
		e.Type, e.Seq = control.EventGap, 0
	case node.Fork:
		e.Type, e.ID, e.OtherID = control.EventFork, m.ID.Full(), m.Other.Full()
		e.First, e.Last = 0, 0
	default:
		e.ID = m.ID.Full()
		if m.Large != nil {
			e.File = fileInfo(m.Large)
		} else {
			e.Body = control.NewBody(m.Payload)
		}
		if m.From != "" {
			e.ReceivedFrom = m.From.String()
		}
	}
	return e
}
