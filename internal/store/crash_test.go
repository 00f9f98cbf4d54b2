package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// envChild names the environment variable that makes this test binary a process
// that writes to the store whose path it has.
const envChild = "QUILT_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(envChild); path != "" {
		if err := burst(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// burstItem is the entry the child writes under a number, with a mark.
func burstItem(a author, seq uint64) (data, mark string) {
	return fmt.Sprintf("%d %s", seq, strings.Repeat("x", int(seq*37%3000))), fmt.Sprint("mark ", seq)
}

// burst continues the feed from its last entry until it is killed, and prints the
// number of every entry whose put was acknowledged.
func burst(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	a := newAuthor(childTB{}, 1)
	last, _, err := s.Last(a.topic, a.id)
	if err != nil {
		return err
	}
	for seq := last.Seq + 1; ; {
		data, mark := burstItem(a, seq)
		it := item(a.feed, a, seq, data)
		err := s.PutAsync(it, mark, func(r PutResult) {
			if r.Err != nil || !r.New {
				fmt.Println("failed", r.Err)
				return
			}
			fmt.Println(it.Seq)
		})
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err != nil {
			return err
		}
		seq++
	}
}

// childTB lets the child use the tests' helpers.
type childTB struct{ testing.TB }

func (childTB) Helper()           {}
func (childTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// TestKill: a process is killed in the middle of a burst, again and again; every
// put it had acknowledged is there, whole, with its mark, and nothing is half there.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("runs processes")
	}
	path := filepath.Join(t.TempDir(), "store.db")
	a := newAuthor(t, 1)
	acked := uint64(0)
	for round := range 6 {
		acked = killChild(t, path, acked+uint64(50+450*round))
		s := openAt(t, path, Options{})
		checkBurst(t, s, a, acked)
		st := stats(t, s)
		if st.Items < acked {
			t.Fatalf("round %d: %d entries, %d were acknowledged", round, st.Items, acked)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killChild runs a child until it has acknowledged entry atLeast or a later one (it
// may begin later: what the child before it had stored but not acknowledged counts),
// kills it, and returns the last that it acknowledged.
func killChild(t *testing.T, path string, atLeast uint64) uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, killed := uint64(0), false
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF { // what was being written when it died is cut off
			break
		}
		seq, convErr := strconv.ParseUint(strings.TrimSpace(line), 10, 64)
		if err != nil || convErr != nil {
			t.Fatalf("child says %q (%v)", line, err)
		}
		last = seq
		if seq >= atLeast && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || last < atLeast {
		t.Fatalf("child ended by itself after %d: %v", last, err)
	}
	return last
}

// checkBurst checks the entries up to the last acknowledged one.
func checkBurst(t *testing.T, s *Store, a author, acked uint64) {
	t.Helper()
	h, err := s.Holdings(a.topic, a.id)
	if err != nil || len(h.Ranges) != 1 || h.Ranges[0].First != 1 || h.Ranges[0].Last < acked {
		t.Fatalf("holdings %v, %v, acknowledged up to %d", h.Ranges, err, acked)
	}
	for seq := uint64(1); seq <= h.Ranges[0].Last; seq++ {
		data, mark := burstItem(a, seq)
		it := item(a.feed, a, seq, data)
		mustHave(t, s, it)
		if id, ok, err := s.Marked(a.topic, mark); err != nil || !ok || id != it.ID {
			t.Fatalf("mark of %d: %v, %v", seq, ok, err)
		}
	}
}

// TestLockedByProcess: another process's store is refused, and opens once that
// process is dead.
func TestLockedByProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("runs processes")
	}
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+path)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("child: %v, %s", err, out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	killChild(t, path, 10)
}
