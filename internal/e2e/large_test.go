package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// largeSize is the length of the file that processes pass on.
const largeSize = 100_000_000

// A file of 100 MB among real processes: a receiver is killed midway and fetches only
// what it lacked; the publisher is killed and comes back; everybody has the file, byte
// for byte, and nobody has it twice.
func TestLargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("passes 100 MB among processes: not with -short")
	}
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	dir := t.TempDir()
	peers := largePeers(t, ctx, dir, 6)
	file, want := largeFile(t, dir)

	begin := time.Now()
	out := runPeer(t, ctx, peers[0].home, "--json", "pub", "news", "--file", file)
	var rep control.PublishReply
	if err := json.Unmarshal(out, &rep); err != nil || rep.File == nil || rep.File.Size != largeSize {
		t.Fatalf("published: %s", out)
	}
	t.Logf("published after %v", time.Since(begin))
	req := control.FileRequest{Topic: rep.TopicName, ID: rep.ID}

	victim := peers[3]
	had := awaitHeld(t, ctx, victim, req, largeSize/5)
	victim.kill()
	t.Logf("a receiver is killed with %d bytes after %v", had, time.Since(begin))
	awaitHeld(t, ctx, peers[1], req, largeSize/2)
	peers[0].kill()
	t.Logf("the publisher is killed after %v", time.Since(begin))
	peers[0] = start(t, ctx, "publisher", peers[0].home, peers[1].ticket)
	peers[3] = start(t, ctx, "victim", victim.home, peers[1].ticket)
	for _, p := range peers[1:] {
		awaitHeld(t, ctx, p, req, largeSize)
	}
	t.Logf("everybody has all after %v", time.Since(begin))
	st, err := peers[3].Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if most := uint64(largeSize-had) + largeSize/20; st.Traffic.BytesIn > most {
		t.Errorf("who came back with %d bytes received %d more, at most %d were due", had, st.Traffic.BytesIn, most)
	}
	for _, p := range peers {
		content, n, err := p.FileContent(ctx, req)
		if err != nil || n != largeSize {
			t.Fatalf("%s: %d bytes, %v", p.name, n, err)
		}
		h := sha256.New()
		if _, err := io.CopyN(h, content, n); err != nil || !bytes.Equal(h.Sum(nil), want) {
			t.Errorf("%s has another file: %v", p.name, err)
		}
	}
	into := filepath.Join(dir, "into")
	if err := os.Mkdir(into, 0o700); err != nil {
		t.Fatal(err)
	}
	runPeer(t, ctx, peers[3].home, "sub", "news", "--count", "2", "--files", into)
	if b, err := os.ReadFile(filepath.Join(into, "film.bin")); err != nil || len(b) != largeSize {
		t.Errorf("written: %d bytes, %v", len(b), err)
	}
}

// largePeers starts peers that follow the first one's feed; each knows the one before.
func largePeers(t *testing.T, ctx context.Context, dir string, n int) (peers []*peer) {
	t.Helper()
	ticket := ""
	address := ""
	for i := range n {
		home := filepath.Join(dir, string(rune('a'+i)))
		p := start(t, ctx, home, home, ticket)
		if i == 0 {
			info, err := p.NewFeed(ctx, "news")
			if err != nil {
				t.Fatal(err)
			}
			address = info.Address
		} else if _, err := p.Follow(ctx, control.FollowRequest{Address: address, Name: "news"}); err != nil {
			t.Fatal(err)
		}
		ticket = p.ticket
		peers = append(peers, p)
	}
	runPeer(t, ctx, peers[0].home, "pub", "news", "hello")
	waitHeld(t, ctx, peers[1:], map[string]uint64{address: 1})
	return peers
}

// largeFile writes a file and returns its name and hash.
func largeFile(t *testing.T, dir string) (name string, hash []byte) {
	t.Helper()
	data := make([]byte, largeSize)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	name = filepath.Join(dir, "film.bin")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return name, sum[:]
}

// runPeer runs a command of the program and returns its standard output.
func runPeer(t *testing.T, ctx context.Context, home string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(ctx, binary, append([]string{"--home", home}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR=")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, log.String())
	}
	return out
}

// awaitHeld waits until a peer has so many bytes of a file, and returns how many.
func awaitHeld(t *testing.T, ctx context.Context, p *peer, req control.FileRequest, bytes int64) int64 {
	t.Helper()
	for {
		info, err := p.File(ctx, req)
		if err == nil && info.Held >= bytes && (bytes < info.Size || info.Complete) {
			return info.Held
		}
		if ctx.Err() != nil {
			t.Fatalf("%s has %d of %d bytes: %v; its log: %s", p.name, info.Held, info.Size, err, p.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
