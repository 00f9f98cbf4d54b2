package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// asMain makes the test binary behave as quilt-peer with fake peers, so that a
// test can start it as a process, and it itself (demo).
const asMain = "QUILT_PEER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(process(startFake))
	}
	os.Exit(m.Run())
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// bench is a home, and how to run commands for it.
type bench struct {
	t     *testing.T
	home  string
	width int
}

// newBench returns a bench on a fake network of its own, or on that of peers
// made before in the same test.
func newBench(t *testing.T) *bench {
	t.Helper()
	if os.Getenv(fakeNet) == "" {
		t.Setenv(fakeNet, t.TempDir())
	}
	return &bench{t: t, home: filepath.Join(t.TempDir(), "home")}
}

// app returns an app within this process.
func (b *bench) app(stdin string) (*app, *bytes.Buffer, *bytes.Buffer) {
	var stdout, stderr bytes.Buffer
	env := map[string]string{"QUILT_HOME": b.home}
	return &app{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, start: startFake, simulate: scenario.Run, width: b.width,
		getenv: func(name string) string { return env[name] }}, &stdout, &stderr
}

// run runs a command within this process.
func (b *bench) run(args ...string) result { return b.runIn("", args...) }

// runIn runs a command with something on standard input.
func (b *bench) runIn(stdin string, args ...string) result {
	a, stdout, stderr := b.app(stdin)
	code := a.main(b.t.Context(), append([]string{"quilt-peer"}, args...))
	return result{code, stdout.String(), stderr.String()}
}

// up runs "quilt-peer run" within this process and returns when it can be asked;
// the function ends it and returns how it ended.
func (b *bench) up(flags ...string) (end func() result) {
	b.t.Helper()
	a, stdout, stderr := b.app("")
	first := &announcer{w: stdout, seen: make(chan struct{})}
	a.stdout = first
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan result, 1)
	go func() {
		code := a.main(ctx, append([]string{"quilt-peer", "run"}, flags...))
		ended <- result{code, stdout.String(), stderr.String()}
	}()
	select {
	case <-first.seen:
	case r := <-ended:
		b.t.Fatalf("run ended: %+v", r)
	}
	var r *result
	end = func() result {
		cancel()
		if r == nil {
			got := <-ended
			r = &got
		}
		return *r
	}
	b.t.Cleanup(func() { end() })
	return end
}

// announcer tells when something was written.
type announcer struct {
	w    io.Writer
	seen chan struct{}
	done bool
}

func (f *announcer) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if !f.done {
		f.done = true
		close(f.seen)
	}
	return n, err
}

// process is quilt-peer as a process.
type peerProcess struct {
	*exec.Cmd
	t      *testing.T
	stdout io.ReadCloser
	stdin  io.WriteCloser
	stderr bytes.Buffer
}

// spawn starts a command as a process.
func (b *bench) spawn(args ...string) *peerProcess {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	p := &peerProcess{t: b.t, Cmd: exec.Command(self, args...)}
	p.Env = append(withoutVars(os.Environ(), "XDG_RUNTIME_DIR"), asMain+"=1", "QUILT_HOME="+b.home)
	p.Stderr = &p.stderr
	if p.stdout, err = p.StdoutPipe(); err != nil {
		b.t.Fatal(err)
	}
	if p.stdin, err = p.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// until reads standard output until it has this text, and returns what it read.
func (p *peerProcess) until(text string) string {
	p.t.Helper()
	var got []byte
	one := make([]byte, 1)
	for !strings.Contains(string(got), text) {
		if _, err := p.stdout.Read(one); err != nil {
			_ = p.Wait()
			p.t.Fatalf("%v ended before it printed %q; it printed\n%s%s", p.Args[1:], text, got, &p.stderr)
		}
		got = append(got, one...)
	}
	return string(got)
}

// signal sends a signal.
func (p *peerProcess) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the end; stdout is what was not read before.
func (p *peerProcess) end() result {
	p.t.Helper()
	out, _ := io.ReadAll(p.stdout)
	_ = p.Wait()
	return result{p.ProcessState.ExitCode(), string(out), p.stderr.String()}
}
