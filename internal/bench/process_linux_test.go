package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// process is a quilt-peer.
type process struct {
	*control.Client
	ticket string
	pid    int
}

// buildPeer builds the program.
func buildPeer(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "quilt-peer")
	build := exec.Command("go", "build", "-o", binary, "github.com/quilt-p2p/quilt/cmd/quilt-peer")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building quilt-peer: %v\n%s", err, out)
	}
	return binary
}

// startPeer starts a process that ends with the benchmark.
func startPeer(b *testing.B, ctx context.Context, binary, ticket string) *process {
	b.Helper()
	home := filepath.Join(b.TempDir(), "home")
	args := []string{"--home", home, "--json", "run", "--no-mdns",
		"--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--listen", "/ip4/127.0.0.1/tcp/0"}
	if ticket != "" {
		args = append(args, "--join", ticket)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR=")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	var first struct{ Type, Ticket string }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &first) != nil || first.Type != "started" {
		b.Fatalf("quilt-peer did not start: %s", lines.Text())
	}
	go func() {
		for lines.Scan() { // keep its pipe empty
		}
	}()
	return &process{Client: control.NewClient(home), ticket: first.Ticket, pid: cmd.Process.Pid}
}

// enterOwnNetwork gives this thread, and the processes started by it, a network
// namespace with nothing but a loopback interface. It reports false where that is
// not permitted. The thread ends with the benchmark's goroutine.
func enterOwnNetwork(b *testing.B) bool {
	runtime.LockOSThread()
	if syscall.Unshare(syscall.CLONE_NEWNET) != nil {
		runtime.UnlockOSThread()
		return false
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		b.Fatalf("bringing the loopback interface up: %v\n%s", err, out)
	}
	return true
}

// sample is what a process has used so far, and what it holds now.
type sample struct {
	cpu                 time.Duration
	rss, pss            float64 // MiB
	bytesOut, framesOut uint64
}

func sampleAll(b *testing.B, ctx context.Context, peers []*process) []sample {
	b.Helper()
	var list []sample
	for _, p := range peers {
		st, err := p.Status(ctx)
		if err != nil {
			b.Fatal(err)
		}
		s := sample{bytesOut: st.Traffic.BytesOut, framesOut: st.Traffic.FramesOut, cpu: processCPU(b, p.pid)}
		s.rss, s.pss = memory(b, p.pid)
		list = append(list, s)
	}
	return list
}

// processCPU is the CPU time of a process so far. The kernel tells it in
// hundredths of a second.
func processCPU(b *testing.B, pid int) time.Duration {
	text := read(b, pid, "stat")
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	return time.Duration(number(b, fields[11])+number(b, fields[12])) * time.Second / 100
}

// memory is the resident memory of a process in MiB, without and with shared pages
// divided among those who share them.
func memory(b *testing.B, pid int) (rss, pss float64) {
	for line := range strings.Lines(read(b, pid, "smaps_rollup")) {
		f := strings.Fields(line)
		switch f[0] {
		case "Rss:":
			rss = float64(number(b, f[1])) / 1024
		case "Pss:":
			pss = float64(number(b, f[1])) / 1024
		}
	}
	return rss, pss
}

// traffic is what crossed an interface so far.
type traffic struct{ bytes, packets uint64 }

// loopback reads the counters of the loopback interface a process sees. Each packet
// counts once, without a link-layer header.
func loopback(b *testing.B, p *process) traffic {
	for line := range strings.Lines(read(b, p.pid, "net/dev")) {
		name, counters, _ := strings.Cut(strings.TrimSpace(line), ":")
		if f := strings.Fields(counters); name == "lo" {
			return traffic{number(b, f[0]), number(b, f[1])}
		}
	}
	b.Fatal("no loopback interface")
	return traffic{}
}

func read(b *testing.B, pid int, name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func number(b *testing.B, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
