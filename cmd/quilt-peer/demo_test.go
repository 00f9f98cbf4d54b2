//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoBench returns a bench whose processes put temporary files where the test
// sees them.
func demoBench(t *testing.T) (b *bench, tmp string) {
	t.Helper()
	b = newBench(t)
	tmp, err := os.MkdirTemp("/tmp", "q") // short: there will be sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	t.Setenv("TMPDIR", tmp)
	return b, tmp
}

// gone checks that a demonstration left neither files nor processes.
func gone(t *testing.T, tmp string, pids []int) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, pid := range pids {
		if running(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
}

// pids returns the processes that a demonstration says it started.
func pids(t *testing.T, out string) (ids []int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`runs as process (\d+)`).FindAllStringSubmatch(out, -1) {
		var id int
		if err := json.Unmarshal([]byte(m[1]), &id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func TestDemo(t *testing.T) {
	b, tmp := demoBench(t)
	got := b.spawn("demo").end()
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("the demonstration ended with %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	ids := pids(t, got.stdout)
	if len(ids) != 5 {
		t.Errorf("%d processes were started, want 5 (carol twice)", len(ids))
	}
	gone(t, tmp, ids)
	for _, line := range []string{
		`alice mirrors it into a feed of her own, "news": /quilt/feed/`,
		`bob   receives   #1 "Harbour bridge open again <http://127.0.0.1:`,
		`carol is killed`,
		`bob   receives   #5 "`,
		`carol receives   #5 "`,
		`dave  receives   #1 "`,
		`bob, carol and dave have all 5 entries`,
		`Now in earnest: "quilt-peer run"`,
	} {
		if strings.Count(got.stdout, line) != 1 {
			t.Errorf("%q was not printed just once:\n%s", line, got.stdout)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(got.stdout), "\n")[:20] {
		if !regexp.MustCompile(`^\[ *\d+\.\ds\] `).MatchString(line) {
			t.Errorf("a line has no time: %q", line)
		}
	}
}

func TestDemoJSON(t *testing.T) {
	b, _ := demoBench(t)
	got := b.spawn("demo", "--json").end()
	events := map[string]int{}
	for line := range strings.Lines(got.stdout) {
		var l told
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		events[l.Event]++
	}
	if got.code != 0 || events["published"] != 5 || events["received"] != 15 || events["killed"] != 2 || events["done"] != 1 {
		t.Errorf("ended with %d after %v\n%s", got.code, events, got.stderr)
	}
}

// A signal in the middle ends everything.
func TestDemoInterrupted(t *testing.T) {
	for _, at := range []string{"alice runs as", "bob   follows", "carol is killed"} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			b, tmp := demoBench(t)
			p := b.spawn("demo")
			out := p.until(at)
			p.signal(sig)
			got := p.end()
			if got.code != 130 || got.stderr != "" {
				t.Errorf("%v at %q: ended with %d\n%s", sig, at, got.code, got.stderr)
			}
			gone(t, tmp, pids(t, out+got.stdout))
		}
	}
}

// If the demonstration itself is killed its peers end too.
func TestDemoKilled(t *testing.T) {
	b, _ := demoBench(t)
	p := b.spawn("demo")
	ids := pids(t, p.until("bob   follows"))
	p.signal(syscall.SIGKILL)
	p.end()
	for _, pid := range ids { // each in its own time, but the test's time is bounded
		for running(pid) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if len(ids) == 0 {
		t.Error("no process was started")
	}
}

// running reports whether a process has not ended; one that has, and of which
// nobody took notice, has ended too.
func running(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// A peer that cannot start is reported with what it said, and cleaned up after.
func TestDemoFails(t *testing.T) {
	b, tmp := demoBench(t)
	t.Setenv(fakeNet, filepath.Join(tmp, "none")) // the fakes cannot write there
	got := b.spawn("demo").end()
	if got.code == 0 || !strings.Contains(got.stderr, "quilt-peer: alice did not start: open ") {
		t.Errorf("ended with %d: %s", got.code, got.stderr)
	}
	gone(t, tmp, pids(t, got.stdout))
}
