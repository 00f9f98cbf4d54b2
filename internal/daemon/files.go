package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/pieces"
	"github.com/quilt-p2p/quilt/node"
	"github.com/quilt-p2p/quilt/protocol"
)

// PublishFile implements control.Daemon.
func (d *Daemon) PublishFile(ctx context.Context, req control.PublishFileRequest, content io.Reader) (control.PublishReply, error) {
	t, err := d.topic(req.Topic)
	if err != nil {
		return control.PublishReply{}, Explain(err)
	}
	opts := []node.PublishOption{node.WithOnce(req.Once)}
	if req.ContentType != "" && t.Owner() != "" {
		opts = append(opts, node.WithContentType(req.ContentType))
	}
	if req.Wait > 0 {
		opts = append(opts, node.WithWait(req.Wait))
	}
	waiting := ctx
	if req.Timeout > 0 && req.Wait > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithCancel(ctx)
		defer cancel()
		content = &timedReader{r: content, end: func() { time.AfterFunc(time.Duration(req.Timeout), cancel) }}
	}
	p, err := t.PublishLarge(waiting, content, req.Size, req.Name, opts...)
	if errors.Is(err, node.ErrNotEnoughReceipts) {
		err = nil // StoredBy tells
	}
	rep := control.PublishReply{Topic: req.Topic, TopicName: t.Name(), Seq: p.Seq, ID: fullID(p), StoredBy: p.StoredBy, Duplicate: p.Duplicate}
	if err == nil {
		if l, failed := t.Large(p.ID); failed == nil {
			rep.File = fileInfo(&l)
		}
	}
	return rep, fileError(err)
}

// timedReader calls end when the content has been read: from then on others are waited
// for, however long the reading took.
type timedReader struct {
	r   io.Reader
	end func()
}

func (t *timedReader) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if err != nil && t.end != nil {
		t.end()
		t.end = nil
	}
	return n, err
}

// fileError gives errors of files their codes.
func fileError(err error) error {
	switch {
	case errors.Is(err, node.ErrTooLarge), errors.Is(err, pieces.ErrShort):
		return control.NewError(control.CodeRefused, err.Error(), "")
	case errors.Is(err, node.ErrLargeFull):
		return control.NewError(control.CodeFull, err.Error(), "")
	case errors.Is(err, node.ErrNotLarge):
		return control.NewError(control.CodeNotFound, err.Error(), "")
	}
	return refused(err)
}

// File implements control.Daemon.
func (d *Daemon) File(_ context.Context, req control.FileRequest) (control.FileInfo, error) {
	t, id, err := d.entry(req)
	if err != nil {
		return control.FileInfo{}, Explain(err)
	}
	l, err := t.Large(id)
	if err != nil {
		return control.FileInfo{}, fileError(err)
	}
	return *fileInfo(&l), nil
}

// FileContent implements control.Daemon.
func (d *Daemon) FileContent(_ context.Context, req control.FileRequest) (io.Reader, int64, error) {
	t, id, err := d.entry(req)
	if err != nil {
		return nil, 0, Explain(err)
	}
	r, l, err := t.OpenLarge(id)
	if err != nil {
		return nil, 0, fileError(err)
	}
	return r, l.Size, nil
}

func (d *Daemon) entry(req control.FileRequest) (t *node.Topic, id protocol.ItemID, err error) {
	if t, err = d.topic(req.Topic); err != nil {
		return nil, id, err
	}
	b, err := hex.DecodeString(req.ID)
	if err != nil || len(b) != len(id) {
		return nil, id, control.NewError(control.CodeUsage, "that is no entry's ID", "")
	}
	return t, protocol.ItemID(b), nil
}

// fileInfo is a file as it travels over the socket.
func fileInfo(l *node.Large) *control.FileInfo {
	return &control.FileInfo{Name: l.Name, SafeName: l.SafeName(), Root: hex.EncodeToString(l.Root[:]), Size: l.Size,
		Held: l.Held, Complete: l.Complete, NoRoom: l.NoRoom}
}

// progressEvery is how often a reader hears how far files are (our guess).
const progressEvery = 250 * time.Millisecond

// maxFilesAwaited bounds the files that one reader waits for; of more it hears only when
// it reads again (our guess).
const maxFilesAwaited = 1024

// readFiles hands out what a subscription yields, and beside it how far the files are
// that entries name: whatever comes first.
func readFiles(ctx context.Context, sub *node.Subscription, req control.SubscribeRequest, t *node.Topic, yield func(control.Event) bool) error {
	var awaited []control.Event
	for entries := 0; ; {
		if req.Count > 0 && entries >= req.Count && len(awaited) == 0 {
			return nil
		}
		m, err := nextWithin(ctx, sub, len(awaited) > 0, req.Count > 0 && entries >= req.Count)
		if err != nil {
			return Explain(err)
		}
		if m != nil {
			if m.Kind == node.Item {
				entries++
			}
			e := event(req.Topic, m)
			if !yield(e) {
				return nil
			}
			if e.File != nil && len(awaited) < maxFilesAwaited {
				e.File = &control.FileInfo{Held: -1} // anything is news
				awaited = append(awaited, e)
			}
		}
		rest := awaited[:0]
		for _, e := range awaited {
			more, ok := fileNews(&e, t, yield)
			if !ok {
				return nil
			}
			if more {
				rest = append(rest, e)
			}
		}
		awaited = rest
	}
}

// nextWithin waits for a message, while files are awaited not for long; with only files
// to come it takes none.
func nextWithin(ctx context.Context, sub *node.Subscription, files, only bool) (*node.Message, error) {
	if !files {
		return sub.Next(ctx)
	}
	short, cancel := context.WithTimeout(ctx, progressEvery)
	defer cancel()
	if only {
		<-short.Done()
		return nil, ctx.Err()
	}
	m, err := sub.Next(short)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	return m, err
}

// fileNews tells how far a file is, if that has changed; it reports whether there is
// more to come, and whether to go on.
func fileNews(e *control.Event, t *node.Topic, yield func(control.Event) bool) (more, ok bool) {
	raw, err := hex.DecodeString(e.ID)
	if err != nil || len(raw) != len(protocol.ItemID{}) {
		return false, true
	}
	l, err := t.Large(protocol.ItemID(raw))
	if err != nil {
		return false, true // pruned
	}
	info := fileInfo(&l)
	if !info.Complete && info.Held == e.File.Held && info.NoRoom == e.File.NoRoom {
		return true, true
	}
	e.File = info
	news := control.Event{Type: control.EventProgress, Topic: e.Topic, TopicName: e.TopicName, Author: e.Author, Seq: e.Seq, ID: e.ID, File: info}
	if info.Complete {
		news.Type = control.EventFile
	}
	return !info.Complete, yield(news)
}
