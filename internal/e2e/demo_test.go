package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestDemo: README's first command, with real peers: it ends well, tells the whole
// story, and leaves nothing behind.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	tmp, home := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(ctx, binary, "--json", "demo")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOME="+home, "XDG_RUNTIME_DIR=", "QUILT_HOME=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, stderr.String(), out)
	}
	count := make(map[string]int)
	for line := range bytes.Lines(out) {
		var told struct{ Peer, Event string }
		if err := json.Unmarshal(line, &told); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		count[told.Event]++
	}
	// Five entries by alice; bob gets five, carol three and later two, dave five.
	if count["published"] != 5 || count["received"] != 15 || count["killed"] != 2 || count["caught_up"] != 1 || count["done"] != 1 {
		t.Errorf("the story is incomplete: %v\n%s", count, out)
	}
	for _, dir := range []string{tmp, home} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind in %s: %v (%v)", dir, left, err)
		}
	}
}
