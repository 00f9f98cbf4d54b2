package scenario

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

var traceLine = regexp.MustCompile(`^ *\d+\.\d{6}s  h\d\S*  +(in |out)  \S.*$`)

func trace(t *testing.T, s Scenario, o Options) []string {
	t.Helper()
	var b strings.Builder
	o.Trace = &b
	mustRun(t, s, o)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for _, line := range lines {
		if !traceLine.MatchString(line) {
			t.Fatalf("a line of the trace is %q", line)
		}
	}
	return lines
}

func count(lines []string, part string) (n int) {
	for _, line := range lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// An item is followed from its author to all readers.
func TestTraceItem(t *testing.T) {
	s := Scenario{Topology: "lognormal:12", Items: 5, Draw: 2, Warmup: 20 * time.Second}
	lines := trace(t, s, Options{TraceItem: 4})
	if !strings.HasSuffix(lines[0], "  in   publishes item 4") {
		t.Errorf("begins with %q", lines[0])
	}
	if n := count(lines, "delivers item 4"); n != 12 {
		t.Errorf("%d deliveries of 12", n)
	}
	if n := count(lines, "item 4 whole"); n < 2*11 {
		t.Errorf("%d copies sent and received", n)
	}
	for _, other := range []string{"item 3", "item 5", "dials", "core.ping"} {
		if n := count(lines, other); n != 0 {
			t.Errorf("%d lines about %s", n, other)
		}
	}
}

// A peer is followed from its start, and so is who takes its place; nobody else.
func TestTracePeer(t *testing.T) {
	s := Scenario{Topology: "lognormal:12", Items: 40, Warmup: 20 * time.Second, Churn: 3 * time.Second}
	lines := trace(t, s, Options{TracePeer: "h03"})
	if count(lines, "protocol.Start") < 2 || count(lines, "is told of h") < 1 || count(lines, "is up, dialled, round trip") < 1 ||
		count(lines, "delivers item 1") < 1 || count(lines, "core.ping") < 1 || count(lines, "gossip.IHave of 1 items") < 1 {
		t.Errorf("of %d lines some are missing: %.2000s", len(lines), strings.Join(lines, "\n"))
	}
	if a, b := count(lines, "s  h03  "), count(lines, "s  h03+"); a == 0 || b == 0 || a+b != len(lines) {
		t.Errorf("%d lines of h03, %d of those after it, %d in all", a, b, len(lines))
	}
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestTraceThatCannotBeWritten(t *testing.T) {
	_, _, err := Run(t.Context(), Scenario{Topology: "lognormal:12", Items: 1}, Options{TracePeer: "h03", Trace: fullDisk{}})
	if !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "--trace: ") {
		t.Errorf("%v", err)
	}
}
