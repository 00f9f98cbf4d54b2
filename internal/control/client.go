package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

// Client asks the daemon of one home. It is a Daemon. Where none is running,
// every method fails with [CodeNotRunning].
type Client struct {
	home string
	http http.Client
}

var _ Daemon = (*Client)(nil)

// NewClient returns a client for the daemon with this home. It connects when it
// is first asked something.
func NewClient(home string) *Client {
	c := &Client{home: home}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socketOf(home))
		},
		DisableCompression: true,
	}
	return c
}

// Close gives up idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// post sends a request (nil: nothing, by GET) and returns the reply, the status
// of which is 200.
func (c *Client) post(ctx context.Context, method, path string, req any) (*http.Response, error) {
	var body bytes.Buffer
	if req != nil {
		if err := encoder(&body).Encode(req); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://quilt"+path, &body)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, r)
}

// do sends a request and returns the reply, the status of which is 200.
func (c *Client) do(ctx context.Context, r *http.Request) (*http.Response, error) {
	rep, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if rep.StatusCode == http.StatusOK {
		return rep, nil
	}
	defer rep.Body.Close()
	var e Error
	if err := json.NewDecoder(rep.Body).Decode(&e); err != nil || e.Message == "" {
		return nil, NewError(CodeFailure, "the daemon answered "+rep.Status, "")
	}
	return nil, &e
}

// unreachable says in words why a call did not get through.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	where := filepath.Join(c.home, socketName)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		if errors.Is(err, os.ErrPermission) {
			return NewError(CodeRefused, fmt.Sprintf("the daemon's socket %s belongs to another user", where),
				"run the command as that user, or choose another home with --home")
		}
		return NewError(CodeNotRunning, fmt.Sprintf("no daemon is running for home %s (socket %s)", c.home, where),
			`start one with "quilt-peer run", or choose its home with --home`)
	}
	return NewError(CodeNotRunning, "the daemon went away before it answered",
		`see what it said, and start it again with "quilt-peer run"`)
}

// ask makes one call.
func ask[Rep any](ctx context.Context, c *Client, method, path string, req any) (Rep, error) {
	var v Rep
	rep, err := c.post(ctx, method, path, req)
	if err != nil {
		return v, err
	}
	defer rep.Body.Close()
	if err := json.NewDecoder(rep.Body).Decode(&v); err != nil {
		return v, c.unreachable(ctx, err)
	}
	_, _ = io.Copy(io.Discard, rep.Body) // so that the connection is used again
	return v, nil
}

// read opens a stream. It must be called to its end, or ctx cancelled.
func read[T any](ctx context.Context, c *Client, method, path string, req any, failure func(T) *Error) (Stream[T], error) {
	rep, err := c.post(ctx, method, path, req)
	if err != nil {
		return nil, err
	}
	return func(yield func(T) bool) error {
		defer rep.Body.Close()
		dec := json.NewDecoder(rep.Body)
		for {
			var v T
			switch err := dec.Decode(&v); {
			case err == io.EOF:
				return nil
			case err != nil:
				return c.unreachable(ctx, err)
			}
			if e := failure(v); e != nil {
				return e
			}
			if !yield(v) {
				return nil
			}
		}
	}, nil
}
