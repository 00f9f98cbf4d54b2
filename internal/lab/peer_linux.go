package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// PeerConfig says how to run quilt-peer.
type PeerConfig struct {
	Program string   // path of the program
	Args    []string // after "run"
	Env     []string // added to the environment
	// Home is its home directory. Empty means one of the host's own, which is the
	// same each time: a peer that is started again has what it stored.
	Home string
}

// Peer is a quilt-peer process on a host. What it can be asked is in the client,
// whose socket is a file, so that asking takes no network.
type Peer struct {
	*control.Client
	Host   *Host
	Home   string
	ID     string
	Ticket string // as it was at the start
	// Started is when the process was started, a little before it can be asked.
	Started time.Time

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// maxLine bounds a line that a peer prints.
const maxLine = 1 << 20

// Start runs a peer on the host and returns once it can be asked. There is at
// most one at a time. ctx bounds the start only.
func (h *Host) Start(ctx context.Context, c PeerConfig) (*Peer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.peer != nil && !h.peer.ended() {
		return nil, fmt.Errorf("lab: a peer runs on %s already", h.name)
	}
	if c.Home == "" {
		c.Home = filepath.Join(h.dir, "home")
	}
	p := &Peer{Host: h, Home: c.Home, done: make(chan struct{})}
	p.cmd = h.Command(context.WithoutCancel(ctx), c.Program, append([]string{"--home", c.Home, "--json", "run"}, c.Args...)...)
	p.cmd.Env = append(append(os.Environ(), "XDG_RUNTIME_DIR="), c.Env...)
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer log.Close()
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.Started = time.Now()
		err = h.lab.spawn(p.cmd)
	}
	if err != nil {
		return nil, fmt.Errorf("lab: starting a peer on %s: %w", h.name, err)
	}
	first := make(chan error, 1)
	go p.follow(out, first)
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("lab: the peer on %s did not start: %w: %s", h.name, err, p.Log())
	}
	p.Client = control.NewClient(c.Home)
	h.peer = p
	return p, nil
}

// follow reads what the peer prints until it ends. first hears of the first line.
func (p *Peer) follow(out io.Reader, first chan<- error) {
	defer close(p.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	var started struct{ Type, ID, Ticket string }
	switch {
	case !lines.Scan():
		first <- errors.Join(errors.New("it said nothing"), lines.Err())
	case json.Unmarshal(lines.Bytes(), &started) != nil || started.Type != "started":
		first <- fmt.Errorf("it said %q", lines.Text())
	default:
		p.ID, p.Ticket = started.ID, started.Ticket
		first <- nil
	}
	for lines.Scan() {
		if p.Host.log != nil {
			p.Host.log(p.Host.name, lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, out) // past a line that was too long
	_ = p.cmd.Wait()
}

func (p *Peer) logFile() string { return filepath.Join(p.Host.dir, "stderr") }

// Log returns what peers of this host have printed to their standard error.
func (p *Peer) Log() string {
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// PID is the number of the process.
func (p *Peer) PID() int { return p.cmd.Process.Pid }

func (p *Peer) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Kill ends the process at once, as SIGKILL does: the kernel takes leave of its
// TCP connections, with FIN or RST. It returns when the process has ended.
func (p *Peer) Kill() {
	if !p.ended() {
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// Shutdown asks the peer to stop and waits until it has.
func (p *Peer) Shutdown(ctx context.Context) error {
	if err := p.Stop(ctx); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause stops the process, and Resume lets it go on. To others it looks like a
// host that is too busy, or asleep.
func (p *Peer) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume see Pause.
func (p *Peer) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Peer returns the peer that runs on the host, nil if none does.
func (h *Host) Peer() *Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.peer == nil || h.peer.ended() {
		return nil
	}
	return h.peer
}

func (h *Host) killPeer() {
	if p := h.Peer(); p != nil {
		p.Kill()
		p.Close()
	}
}

// Everywhere runs f for each host at once and returns what failed.
func Everywhere(hosts []*Host, f func(*Host) error) error {
	var wg sync.WaitGroup
	failed := make([]error, len(hosts))
	for i, h := range hosts {
		wg.Go(func() {
			if err := f(h); err != nil {
				failed[i] = fmt.Errorf("%s: %w", h.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Until calls f every 20 ms until it says yes, fails, or ctx ends.
func Until(ctx context.Context, f func() (bool, error)) error {
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
