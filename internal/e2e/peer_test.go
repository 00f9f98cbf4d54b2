package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	_ "github.com/quilt-p2p/quilt/internal/daemon" // see dependOnProgram
)

// hang is the limit of every wait: generous, for it asserts nothing.
const hang = 5 * time.Minute

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "quilt-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "quilt-peer")
	build := exec.Command("go", "build", "-o", binary, "github.com/quilt-p2p/quilt/cmd/quilt-peer")
	build.Stderr = os.Stderr
	dependOnProgram()
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// dependOnProgram makes these tests depend on the program they build, or the go
// command would take their last result for good whatever has changed in it: the
// packages below it are linked in, and its own sources are read.
func dependOnProgram() {
	files, err := filepath.Glob(filepath.Join("..", "..", "cmd", "quilt-peer", "*.go"))
	if err != nil || len(files) == 0 {
		panic("e2e: the program's sources are not where they should be")
	}
	for _, f := range files {
		if _, err := os.ReadFile(f); err != nil {
			panic(err)
		}
	}
}

// peer is one process.
type peer struct {
	t      *testing.T
	name   string
	home   string
	cmd    *exec.Cmd
	ticket string
	log    strings.Builder // standard error
	*control.Client
}

// start starts a peer in a home, with the ticket of another or none.
func start(t *testing.T, ctx context.Context, name, home, ticket string) *peer {
	t.Helper()
	args := []string{"--home", home, "--json", "run", "--no-mdns",
		"--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--listen", "/ip4/127.0.0.1/tcp/0"}
	if ticket != "" {
		args = append(args, "--join", ticket)
	}
	p := &peer{t: t, name: name, home: home, cmd: exec.CommandContext(ctx, binary, args...)}
	p.cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR=")
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	var first struct{ Type, Ticket string }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &first) != nil || first.Type != "started" {
		p.kill()
		t.Fatalf("%s did not start: %s %s", name, lines.Text(), p.log.String())
	}
	p.ticket = first.Ticket
	go func() {
		for lines.Scan() { // keep its pipe empty
		}
	}()
	p.Client = control.NewClient(home)
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as a power cut would.
func (p *peer) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
}

// held returns how many entries of each feed the peer has, by address.
func (p *peer) held(ctx context.Context) map[string]uint64 {
	p.t.Helper()
	feeds, err := p.Feeds(ctx)
	if err != nil {
		p.t.Fatalf("%s: %v; its log: %s", p.name, err, p.log.String())
	}
	held := make(map[string]uint64)
	for _, f := range feeds {
		held[f.Address] = f.Entries
	}
	return held
}

// waitHeld waits until every peer has so many entries of each feed, and returns
// how long that took.
func waitHeld(t *testing.T, ctx context.Context, peers []*peer, want map[string]uint64) time.Duration {
	t.Helper()
	begin := time.Now()
	for _, p := range peers {
		for address, n := range want {
			for p.held(ctx)[address] < n {
				if time.Since(begin) > hang {
					t.Fatalf("%s has %d of %d entries of %s", p.name, p.held(ctx)[address], n, address)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	return time.Since(begin)
}

// read reads the first n entries of a feed and fails on anything but the author's
// order without gaps.
func (p *peer) read(ctx context.Context, address string, n uint64) []control.Event {
	p.t.Helper()
	events, err := p.Subscribe(ctx, control.SubscribeRequest{Topic: address, Since: "all", Count: int(n)})
	if err != nil {
		p.t.Fatal(err)
	}
	var list []control.Event
	err = events(func(e control.Event) bool {
		if e.Type != control.EventEntry || e.Seq != uint64(len(list)+1) || e.Late {
			p.t.Fatalf("%s reads %s %d (late: %v) where entry %d is due", p.name, e.Type, e.Seq, e.Late, len(list)+1)
		}
		list = append(list, e)
		return true
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}
