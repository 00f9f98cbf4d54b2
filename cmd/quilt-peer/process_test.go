package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What run prints, for people and for programs.
func TestRunPrints(t *testing.T) {
	b := newBench(t)
	p := b.spawn("run", "--listen", "/ip4/127.0.0.1/tcp/0")
	head := plain(b, p.until("Ctrl-C stops it.\n\n"))
	want := "quilt-peer " + version() + ` is running

  id       PEER
  home     HOME
  listens  /ip4/127.0.0.1/tcp/0
  ticket   TICKET

Others make contact with:  quilt-peer run --join TICKET
Publish with:              quilt-peer pub hello "Hi."
Ctrl-C stops it.

`
	if head != want {
		t.Errorf("run printed\n%s\nwant\n%s", head, want)
	}
	line := p.until("\n")
	if !regexp.MustCompile(`^\d\d:\d\d:\d\d  listens to \x{FFFD}\[31mfiles\n$`).MatchString(line) {
		t.Errorf("a notice was printed as %q", line)
	}
	b.run("pub", "hello", "x")
	p.until("published hello #1\n")
	p.signal(syscall.SIGINT)
	if got := p.end(); got.code != 0 || got.stderr != "" {
		t.Errorf("after SIGINT run ended with %+v", got)
	}

	p = b.spawn("run", "--json")
	var s started
	if err := json.Unmarshal([]byte(p.until("\n")), &s); err != nil {
		t.Fatal(err)
	}
	if s.Type != "started" || s.PID != p.Process.Pid || s.Home != b.home || s.Ticket == "" ||
		s.Socket != filepath.Join(b.home, "control.sock") {
		t.Errorf("run --json began with %+v", s)
	}
	if line := p.until("\n"); !strings.Contains(line, `{"type":"topic",`) {
		t.Errorf("a notice was printed as %s", line)
	}
	if got := b.run("stop"); got != (result{}) {
		t.Errorf("stop: %+v", got)
	}
	if got := p.end(); got.code != 0 {
		t.Errorf("stopped, run ended with %+v", got)
	}
}

// However the daemon is told to stop, it closes its files, ends with 0, and
// commands learn that none is running.
func TestRunStops(t *testing.T) {
	for _, tt := range []struct {
		name string
		stop func(*bench, *peerProcess)
	}{
		{"SIGTERM", func(_ *bench, p *peerProcess) { p.signal(syscall.SIGTERM) }},
		{"SIGINT", func(_ *bench, p *peerProcess) { p.signal(syscall.SIGINT) }},
		{"stop", func(b *bench, _ *peerProcess) { b.run("stop") }},
		{"end of input", func(_ *bench, p *peerProcess) { p.stdin.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			p := b.spawn("run", "--stop-at-eof", "--json")
			p.until("\n")
			reader := b.spawn("sub", "hello")
			b.run("pub", "hello", "Hi.")
			reader.until("Hi.\n")
			tt.stop(b, p)
			if got := p.end(); got.code != 0 || got.stderr != "" {
				t.Errorf("run ended with %+v", got)
			}
			if got := reader.end(); got.code != 3 || got.stderr != "quilt-peer: the daemon is stopping: start it again with \"quilt-peer run\"\n" {
				t.Errorf("sub ended with %+v", got)
			}
			if _, err := os.Stat(filepath.Join(b.home, "closed")); err != nil {
				t.Errorf("the peer was not closed: %v", err)
			}
			if got := b.run("status"); got.code != 3 {
				t.Errorf("status: %+v, want exit code 3", got)
			}
		})
	}
}

// A daemon that was killed leaves nothing that hinders the next one, and its
// readers do not take the end for the end of the topic.
func TestRunAfterKill(t *testing.T) {
	b := newBench(t)
	p := b.spawn("run", "--json")
	p.until("\n")
	reader := b.spawn("sub", "hello", "--json")
	b.run("pub", "hello", "Hi.")
	reader.until("\n")
	p.signal(syscall.SIGKILL)
	p.end()
	if got := reader.end(); got.code != 3 || !strings.Contains(got.stderr, "the daemon went away") {
		t.Errorf("sub ended with %+v", got)
	}
	again := b.spawn("run", "--json")
	again.until("\n")
	if got := b.run("status"); got.code != 0 {
		t.Errorf("status: %+v", got)
	}
}

// A home has one daemon.
func TestRunTwice(t *testing.T) {
	b := newBench(t)
	p := b.spawn("run", "--json")
	p.until("\n")
	got := b.spawn("run").end()
	want := result{5, "", "quilt-peer: a daemon is already running for home HOME: use it, stop it with \"quilt-peer stop\", or choose another home with --home\n"}
	got.stderr = plain(b, got.stderr)
	if got != want {
		t.Errorf("the second run ended with %+v, want %+v", got, want)
	}
	if got := b.run("status"); got.code != 0 {
		t.Errorf("the first one does not answer: %+v", got)
	}
}

// What run cannot do it says, and gives up the home.
func TestRunRefuses(t *testing.T) {
	b := newBench(t)
	for range 2 {
		for _, flag := range []string{"--join", "--follow"} {
			if got := b.run("run", flag, "rubbish"); got.code != 6 || !strings.HasSuffix(got.stderr, "this is no ticket: ask for it again\n") {
				t.Errorf("run %s rubbish: %+v", flag, got)
			}
		}
	}
	if got := b.run("run", "me"); got.code != 2 {
		t.Errorf("run me: %+v", got)
	}
	far := &bench{t: t, home: "/" + strings.Repeat("x", 90)}
	defer os.RemoveAll(far.home)
	if got := far.run("run"); got.code != 2 || !strings.Contains(got.stderr, "too long for a socket") {
		t.Errorf("run in a home of 91 bytes: %+v", got)
	}
}

// A signal is the normal end of sub; only what was not done is interrupted.
func TestSignals(t *testing.T) {
	b := newBench(t)
	b.up()
	b.run("pub", "hello", "Hi.")
	for _, tt := range []struct {
		args []string
		code int
	}{
		{[]string{"sub", "hello"}, 0},
		{[]string{"sub", "hello", "--timeout", "1h"}, 0},
		{[]string{"sub", "hello", "--count", "2"}, 130},
		{[]string{"pub", "hello", "--lines"}, 130},
		{[]string{"pub", "hello", "-l"}, 130},
	} {
		p := b.spawn(tt.args...)
		if tt.args[0] == "pub" {
			_, _ = p.stdin.Write([]byte("Hi.\n"))
		}
		p.until("\n") // so it has got as far as to wait for more
		p.signal(syscall.SIGINT)
		if got := p.end(); got.code != tt.code || got.stderr != "" {
			t.Errorf("after SIGINT %v ended with %+v, want %d", tt.args, got, tt.code)
		}
	}
}
