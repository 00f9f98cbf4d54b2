// Package daemon makes a running peer (package node) answer what the control
// socket asks (package control), and keeps its mirrors going. Names that people
// use are resolved here, and errors get their codes and hints.
package daemon

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/node"
)

// Daemon implements control.Daemon over a node.
type Daemon struct {
	n       *node.Node
	version string
	started time.Time

	ctx    context.Context // ends with the daemon
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	mirrors map[string]*mirrored // by feed name
	told    map[chan control.Notice]struct{}
}

var _ control.Daemon = (*Daemon)(nil)

// New serves a node that runs, and takes up the mirrors of earlier runs.
func New(n *node.Node, version string) (*Daemon, error) {
	d := &Daemon{n: n, version: version, started: time.Now(),
		mirrors: make(map[string]*mirrored), told: make(map[chan control.Notice]struct{})}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if err := d.resumeMirrors(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close stops the mirrors and closes the node.
func (d *Daemon) Close() error {
	d.mu.Lock()
	d.cancel() // from now on no mirror begins
	d.mu.Unlock()
	d.wg.Wait()
	return d.n.Close()
}

// Stop asks the process to end as a signal would; who runs the daemon usually
// puts a gentler way in front of it.
func (d *Daemon) Stop(context.Context) error {
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return p.Signal(os.Interrupt)
}

// Ticket implements control.Daemon.
func (d *Daemon) Ticket(_ context.Context, feeds []string) (string, error) {
	var names []string
	for _, f := range feeds {
		name, err := d.n.Resolve(f)
		if err != nil {
			return "", Explain(err)
		}
		if local := d.localName(name); local != name {
			name += "#" + local
		}
		names = append(names, name)
	}
	t, err := d.n.Ticket(names...)
	return t, Explain(err)
}

// AddTicket implements control.Daemon.
func (d *Daemon) AddTicket(_ context.Context, ticket string) error {
	_, err := d.n.AddTicket(ticket)
	return Explain(err)
}

// Explain gives an error of the node a code and, where it has none in its words, a
// hint.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	var ticket *gossipmembership.TicketError
	switch {
	case errors.As(err, &ticket):
		return control.NewError(control.CodeRefused, ticket.Problem, ticket.Advice)
	case errors.Is(err, store.ErrFull):
		return control.NewError(control.CodeFull, err.Error(), "")
	case errors.Is(err, node.ErrHomeInUse):
		return control.NewError(control.CodeAlreadyRunning, err.Error(), "")
	case errors.Is(err, node.ErrNotOwned), errors.Is(err, node.ErrFeedName), errors.Is(err, node.ErrBadAddress),
		errors.Is(err, node.ErrOwnFeed), errors.Is(err, feed.ErrTopicName):
		return control.NewError(control.CodeRefused, err.Error(), "")
	case errors.Is(err, node.ErrNoFeed):
		return control.NewError(control.CodeNotFound, err.Error(), `"quilt-peer feed list" shows the feeds there are`)
	case errors.Is(err, node.ErrFeedExists):
		return control.NewError(control.CodeExists, err.Error(), "")
	case errors.Is(err, context.DeadlineExceeded):
		return control.NewError(control.CodeTimeout, "not done in time", "try again with more time")
	case errors.Is(err, node.ErrClosed), errors.Is(err, store.ErrClosed):
		return control.NewError(control.CodeStopping, "the daemon is about to end", "start it again")
	}
	return err
}
