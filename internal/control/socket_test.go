package control

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mode returns the permissions of a file.
func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestListenPermissions(t *testing.T) {
	runtime := t.TempDir()
	for _, tt := range []struct{ name, runtime string }{{"in the home", ""}, {"in the runtime directory", runtime},
		{"runtime directory that is missing", filepath.Join(runtime, "none")}, {"relative runtime directory", "tmp"}} {
		t.Run(tt.name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "a", "home")
			l, err := Listen(home, tt.runtime)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Unlock()
			inRuntime := tt.runtime == runtime
			if got := strings.HasPrefix(l.Path(), runtime); got != inRuntime {
				t.Errorf("the socket is %s", l.Path())
			}
			link := filepath.Join(home, socketName)
			if got := socketOf(home); got != l.Path() {
				t.Errorf("commands look for it at %s, it is at %s", got, l.Path())
			}
			if m := mode(t, link); m != 0o600 {
				t.Errorf("the socket has mode %o", m)
			}
			if m := mode(t, home); m != 0o700 {
				t.Errorf("the home has mode %o", m)
			}
			if m := mode(t, filepath.Dir(l.Path())); m != 0o700 {
				t.Errorf("the socket's directory has mode %o", m)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			left, _ := filepath.Glob(filepath.Join(home, "*"))
			hidden, _ := filepath.Glob(filepath.Join(home, ".*"))
			if len(left) != 1 || filepath.Base(left[0]) != lockName || len(hidden) > 0 {
				t.Errorf("left behind: %v %v", left, hidden)
			}
			if _, err := os.Lstat(l.Path()); err == nil {
				t.Errorf("%s is left behind", l.Path())
			}
		})
	}
}

// Of two daemons for one home the second is refused, until the first has let go
// of everything.
func TestListenTwice(t *testing.T) {
	home := t.TempDir()
	l, err := Listen(home, "")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		_, err := Listen(home, t.TempDir()) // another runtime directory makes no difference
		if CodeOf(err) != CodeAlreadyRunning || !strings.Contains(err.Error(), home) {
			t.Errorf("%s: %v, want code %s", when, err, CodeAlreadyRunning)
		}
	}
	refused("running")
	l.Close()
	refused("closing")
	l.Unlock()
	again, err := Listen(home, "")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Unlock()
	if err := os.Remove(filepath.Join(home, lockName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(home, ""); CodeOf(err) != CodeAlreadyRunning {
		t.Errorf("with the lock file removed: %v, want code %s", err, CodeAlreadyRunning)
	}
}

// What a daemon that was killed left behind is replaced.
func TestListenReplacesStale(t *testing.T) {
	home, runtime := t.TempDir(), t.TempDir()
	path := filepath.Join(home, socketName)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := NewClient(home).Status(t.Context()); CodeOf(err) != CodeNotRunning {
		t.Errorf("asking a dead daemon: %v, want code %s", err, CodeNotRunning)
	}
	for _, dir := range []string{"", runtime, runtime, ""} { // socket, link, link, socket
		l, err := Listen(home, dir)
		if err != nil {
			t.Fatal(err)
		}
		l.UnixListener.Close() // as if killed: nothing is removed
		l.lock.Close()
	}
}

func TestHomeTooLong(t *testing.T) {
	base, err := os.MkdirTemp("/tmp", "q") // t.TempDir is too long itself on some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	long := func(n int) string { return filepath.Join(base, strings.Repeat("x", n-len(base)-1)) }
	fit := MaxSocketPath - len("/control.sock") - tempExtra
	l, err := Listen(long(fit), "")
	if err != nil {
		t.Fatalf("a home of %d bytes: %v", fit, err)
	}
	l.Unlock()
	_, err = Listen(long(fit+1), "")
	if CodeOf(err) != CodeUsage || !strings.Contains(err.Error(), "at most 88 bytes") {
		t.Errorf("a home of %d bytes: %v", fit+1, err)
	}
	// With a short runtime directory any home will do, also for clients.
	runtime := t.TempDir()
	home := long(200)
	l, err = Listen(home, runtime)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(&fake{})
	go func() { _ = s.Serve(l) }()
	if _, err := NewClient(home).Status(t.Context()); err != nil {
		t.Error(err)
	}
	s.Close()
	l.Unlock()
}

func TestNoDaemon(t *testing.T) {
	home := filepath.Join(t.TempDir(), "none")
	_, err := NewClient(home).Status(t.Context())
	want := "no daemon is running for home " + home + " (socket " + filepath.Join(home, socketName) +
		`): start one with "quilt-peer run", or choose its home with --home`
	if CodeOf(err) != CodeNotRunning || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}
