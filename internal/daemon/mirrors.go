package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/mirror"
	"github.com/quilt-p2p/quilt/node"
)

// metaMirrors is where the store remembers mirrors: feed name to request.
const metaMirrors = "mirrors"

// MaxMirrors bounds the mirrors of one daemon (our guess).
const MaxMirrors = 64

// mirrored is one mirror that runs.
type mirrored struct {
	req     control.MirrorRequest
	address string
	mirror  *mirror.Mirror
	stop    context.CancelFunc
	done    chan struct{}
}

// publisher publishes a mirror's entries in a feed, each key once.
type publisher struct{ t *node.Topic }

// PublishOnce implements mirror.Publisher.
func (p publisher) PublishOnce(ctx context.Context, key, contentType string, payload []byte) (bool, error) {
	r, err := p.t.Publish(ctx, payload, node.WithOnce(key), node.WithContentType(contentType))
	return err == nil && !r.Duplicate, err
}

// AddMirror implements control.Daemon.
func (d *Daemon) AddMirror(ctx context.Context, req control.MirrorRequest) (control.MirrorInfo, error) {
	if err := d.mayMirror(req); err != nil {
		return control.MirrorInfo{}, err
	}
	m, err := d.newMirror(req)
	if err != nil {
		return control.MirrorInfo{}, err
	}
	res, err := m.mirror.Poll(ctx)
	if code := control.CodeOf(Explain(err)); err != nil && code != control.CodeFailure {
		return control.MirrorInfo{}, Explain(err) // not the source's fault
	}
	if err != nil {
		return control.MirrorInfo{}, control.NewError(control.CodeRefused, err.Error(), "nothing is mirrored yet: mend the source and try again")
	}
	info := m.info()
	info.Published = res.Published
	if req.Once {
		return info, nil
	}
	kept, err := json.Marshal(req)
	if err != nil {
		return info, err
	}
	if err := d.runMirror(m); err != nil {
		return info, err
	}
	if err := d.n.SetSetting(metaMirrors, req.Feed, kept); err != nil {
		m.stop()
		return info, Explain(err)
	}
	return info, nil
}

// mayMirror refuses one mirror too many, before anything is published.
func (d *Daemon) mayMirror(req control.MirrorRequest) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mirrors[req.Feed] == nil && len(d.mirrors) >= MaxMirrors && !req.Once {
		return tooManyMirrors()
	}
	return nil
}

func tooManyMirrors() error {
	return control.NewError(control.CodeRefused, fmt.Sprintf("%d mirrors run already", MaxMirrors), "remove one first")
}

// newMirror makes a mirror that does not run yet, and its feed where it is missing.
func (d *Daemon) newMirror(req control.MirrorRequest) (*mirrored, error) {
	f, err := d.ownFeed(req.Feed)
	if err != nil {
		return nil, err
	}
	t, err := d.n.Join(f.Address)
	if err != nil {
		return nil, Explain(err)
	}
	m, err := mirror.New(mirror.Config{
		Source: req.Source, Interval: time.Duration(req.Interval), Version: d.version,
		Changed: func(s mirror.State) { d.mirrorChanged(req.Feed, s) },
	}, publisher{t})
	if err != nil {
		return nil, control.NewError(control.CodeRefused, err.Error(), "")
	}
	return &mirrored{req: req, address: f.Address, mirror: m, done: make(chan struct{})}, nil
}

// ownFeed returns an own feed, made where it is missing.
func (d *Daemon) ownFeed(name string) (node.Feed, error) {
	for _, f := range d.n.Feeds() {
		if f.Name != name {
			continue
		}
		if !f.Own {
			return f, control.NewError(control.CodeRefused, fmt.Sprintf("feed %q is somebody else's", name), "mirror into a feed of your own")
		}
		return f, nil
	}
	f, err := d.n.NewFeed(name)
	return f, Explain(err)
}

// runMirror keeps a mirror going, in place of an earlier one of the same feed.
func (d *Daemon) runMirror(m *mirrored) error {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(d.ctx)
	old, err := d.enter(m)
	if err != nil {
		m.stop()
		return err
	}
	if old != nil {
		old.stop()
	}
	go func() {
		defer d.wg.Done()
		defer close(m.done)
		_ = m.mirror.Run(ctx) // ends with ctx only
	}()
	return nil
}

// enter puts a mirror in the list, and returns the one whose place it takes.
func (d *Daemon) enter(m *mirrored) (old *mirrored, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old = d.mirrors[m.req.Feed]
	switch {
	case d.ctx.Err() != nil:
		return nil, Explain(node.ErrClosed)
	case old == nil && len(d.mirrors) >= MaxMirrors:
		return nil, tooManyMirrors()
	}
	d.mirrors[m.req.Feed] = m
	d.wg.Add(1)
	return old, nil
}

// resumeMirrors takes up the mirrors of earlier runs.
func (d *Daemon) resumeMirrors() error {
	kept, err := d.n.Settings(metaMirrors)
	if err != nil {
		return err
	}
	for _, e := range kept {
		var req control.MirrorRequest
		if err := json.Unmarshal(e.Value, &req); err != nil {
			return fmt.Errorf("the mirror kept for feed %q cannot be read: %w", e.Key, err)
		}
		m, err := d.newMirror(req)
		if err == nil {
			err = d.runMirror(m)
		}
		if err != nil {
			return fmt.Errorf("resuming the mirror of %s: %w", req.Source, err)
		}
	}
	return nil
}

// RemoveMirror implements control.Daemon.
func (d *Daemon) RemoveMirror(_ context.Context, feedName string) error {
	d.mu.Lock()
	m := d.mirrors[feedName]
	delete(d.mirrors, feedName)
	d.mu.Unlock()
	if m == nil {
		return control.NewError(control.CodeNotFound, fmt.Sprintf("nothing is mirrored into %q", feedName), `"quilt-peer feed list" shows what is`)
	}
	m.stop()
	<-m.done
	return Explain(d.n.SetSetting(metaMirrors, feedName, nil))
}

// Mirrors implements control.Daemon.
func (d *Daemon) Mirrors(context.Context) ([]control.MirrorInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []control.MirrorInfo{}
	for _, m := range d.mirrors {
		list = append(list, m.info())
	}
	slices.SortFunc(list, func(a, b control.MirrorInfo) int { return strings.Compare(a.Feed, b.Feed) })
	return list, nil
}

// info describes a mirror.
func (m *mirrored) info() control.MirrorInfo {
	s := m.mirror.State()
	return control.MirrorInfo{Source: s.Source, Feed: m.req.Feed, Address: m.address, Interval: control.Duration(s.Interval),
		Published: s.Published, LastPoll: s.LastPoll, NextPoll: s.NextPoll, LastError: s.LastError}
}

// mirrorChanged tells of a poll that brought something, failed, or succeeded again.
func (d *Daemon) mirrorChanged(feedName string, s mirror.State) {
	text := fmt.Sprintf("mirror of %s into %s: %d published so far", s.Source, feedName, s.Published)
	if s.LastError != "" {
		text = fmt.Sprintf("mirror of %s into %s failed: %s", s.Source, feedName, s.LastError)
	}
	d.tell(control.Notice{Type: control.NoticeMirror, Topic: feedName, Text: text})
}
