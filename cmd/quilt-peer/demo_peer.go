package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// stopPatience is how long a peer may take to end in good order.
const stopPatience = 5 * time.Second

// demoPeer is a peer in a process of its own.
type demoPeer struct {
	name     string
	ticket   string
	client   *control.Client
	process  *exec.Cmd
	stdin    io.Closer // as long as it is open the peer runs: it cannot outlive us
	ended    chan struct{}
	watching sync.WaitGroup
}

// start starts a peer and returns when it can be asked.
func (d *demo) start(ctx context.Context, name string, flags ...string) (*demoPeer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{"run", "--home", d.home(name), "--json", "--no-mdns", "--stop-at-eof",
		"--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--listen", "/ip4/127.0.0.1/tcp/0"}, flags...)
	p := &demoPeer{name: name, client: control.NewClient(d.home(name)), process: exec.Command(self, args...),
		ended: make(chan struct{})}
	p.process.Env = withoutVars(os.Environ(), "XDG_RUNTIME_DIR", "QUILT_HOME") // all it has is in d.dir
	var said lastWords
	p.process.Stderr = &said
	stdout, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.peers = append(d.peers, p)
	d.mu.Unlock()

	first := make(chan started, 1)
	go p.follow(stdout, first)
	select {
	case s := <-first:
		p.ticket = s.Ticket
		d.mu.Lock()
		d.names[s.ID] = name
		d.mu.Unlock()
		d.say(name, "started", "runs as process %d, peer %s", s.PID, short(s.ID))
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s did not start: %s", name, &said)
	case <-time.After(demoStep):
		return nil, control.NewError(control.CodeTimeout, fmt.Sprintf("%s did not start within %s", name, demoStep), "the computer may be too busy: try again")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// follow reads what the peer prints, passes on the first line, and waits for
// its end.
func (p *demoPeer) follow(stdout io.Reader, first chan<- started) {
	r := bufio.NewReader(stdout)
	var s started
	if line, err := r.ReadBytes('\n'); err == nil && json.Unmarshal(line, &s) == nil && s.Type == "started" {
		first <- s
	}
	_, _ = io.Copy(io.Discard, r) // it must not wait for us to read
	_ = p.process.Wait()          // that it was killed is no news
	close(p.ended)
}

// kill ends the peer without a warning.
func (p *demoPeer) kill() {
	_ = p.process.Process.Kill()
	p.finish()
}

// finish waits for the end of the peer and of what watches it.
func (p *demoPeer) finish() {
	<-p.ended
	p.watching.Wait()
	p.client.Close()
	_ = p.stdin.Close()
}

// stopAll ends all peers, first in good order.
func (d *demo) stopAll() {
	for _, p := range d.peers {
		_ = p.stdin.Close()
	}
	patience := time.After(stopPatience)
	for _, p := range d.peers {
		select {
		case <-p.ended:
		case <-patience:
			for _, q := range d.peers {
				_ = q.process.Process.Kill() // no effect on those that ended
			}
		}
		p.finish()
	}
}

// withoutVars returns an environment without some variables.
func withoutVars(env []string, names ...string) []string {
	var kept []string
	for _, v := range env {
		keep := true
		for _, name := range names {
			keep = keep && !strings.HasPrefix(v, name+"=")
		}
		if keep {
			kept = append(kept, v)
		}
	}
	return kept
}

// lastWords keeps the end of what a process says on standard error.
type lastWords struct {
	mu sync.Mutex
	b  []byte
}

// maxLastWords bounds lastWords in bytes (our guess).
const maxLastWords = 4 << 10

// Write implements io.Writer.
func (l *lastWords) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, b...)
	if over := len(l.b) - maxLastWords; over > 0 {
		l.b = append(l.b[:0], l.b[over:]...)
	}
	return len(b), nil
}

// String returns what was said; where that is an error as --json prints it, its
// words.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e control.Error
	if json.Unmarshal(l.b, &e) == nil && e.Message != "" {
		return e.Error()
	}
	return string(bytes.TrimSpace(l.b))
}
