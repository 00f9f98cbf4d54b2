package control

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Names in a home.
const (
	socketName = "control.sock"
	lockName   = "control.lock"
)

// MaxSocketPath bounds the path of a unix socket in bytes: 104 with the final
// zero on macOS and the BSDs, 108 on Linux; the smaller holds everywhere.
const MaxSocketPath = 103

// Listener is the control socket of the daemon of one home, and the lock that
// makes it the only one.
type Listener struct {
	*net.UnixListener
	path string // the socket
	link string // the symbolic link to it in the home; empty if it is there itself
	lock *os.File
}

// Listen makes the home (mode 0700) where it is missing, locks it and opens its
// control socket (mode 0600). A socket that a dead daemon left is replaced; where
// a daemon is running it fails with [CodeAlreadyRunning]. runtimeDir is the
// directory for sockets that the environment names (XDG_RUNTIME_DIR), or empty.
func Listen(home, runtimeDir string) (*Listener, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("making the home directory: %w", err)
	}
	l := &Listener{path: filepath.Join(home, socketName)}
	if dir, ok := privateDir(runtimeDir); ok {
		sum := sha256.Sum256([]byte(home))
		if p := filepath.Join(dir, hex.EncodeToString(sum[:8])+".sock"); fits(p) {
			l.path, l.link = p, filepath.Join(home, socketName)
		}
	}
	if !fits(l.path) {
		return nil, NewError(CodeUsage,
			fmt.Sprintf("the home directory's path is too long for a socket: %s", home),
			fmt.Sprintf("choose one of at most %d bytes with --home, or set XDG_RUNTIME_DIR to a short one",
				MaxSocketPath-len(socketName)-1-tempExtra))
	}
	if l.lock, err = lockFile(filepath.Join(home, lockName)); err != nil {
		return nil, lockError(home, err)
	}
	if err := l.open(home); err != nil {
		l.lock.Close()
		return nil, err
	}
	return l, nil
}

// lockError says in words why the home could not be locked.
func lockError(home string, err error) error {
	if err == errLocked {
		return NewError(CodeAlreadyRunning, fmt.Sprintf("a daemon is already running for home %s", home),
			`use it, stop it with "quilt-peer stop", or choose another home with --home`)
	}
	return fmt.Errorf("locking the home directory: %w", err)
}

// open makes the socket, and the link to it. The caller has the lock, so what
// lies there is of a dead daemon.
func (l *Listener) open(home string) error {
	if c, err := net.DialTimeout("unix", l.path, time.Second); err == nil {
		c.Close() // somebody removed the lock file of a daemon that lives
		return lockError(home, errLocked)
	}
	var err error
	if l.UnixListener, err = listenPrivately(l.path); err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	if l.link == "" {
		return nil
	}
	_ = os.Remove(l.link)
	if err := os.Symlink(l.path, l.link); err != nil {
		l.UnixListener.Close()
		return fmt.Errorf("linking the control socket: %w", err)
	}
	return nil
}

// tempExtra is by how much the path at which a socket is made exceeds that at
// which it ends up: "/.s" + 10 digits + "/s", less "/control.sock".
const tempExtra = 15 - 13

// fits reports whether a socket can be made that ends up at path.
func fits(path string) bool {
	return len(filepath.Dir(path))+len("/control.sock")+tempExtra <= MaxSocketPath &&
		len(path) <= MaxSocketPath
}

// listenPrivately makes a socket of mode 0600 that was never wider open, even
// for a moment and even if the directory is: it is made in a directory of its
// own and renamed into place.
func listenPrivately(path string) (*net.UnixListener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it will have another name
	if err := os.Chmod(temp, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	if err := os.Rename(temp, path); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// privateDir makes the directory for sockets below the runtime directory.
func privateDir(runtimeDir string) (string, bool) {
	if !filepath.IsAbs(runtimeDir) {
		return "", false
	}
	dir := filepath.Join(runtimeDir, "quilt")
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", false // there is none, or it is not ours: the home will do
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || os.Chmod(dir, 0o700) != nil {
		return "", false
	}
	return dir, true
}

// Path returns where the socket is.
func (l *Listener) Path() string { return l.path }

// Close closes and removes the socket. The lock stays until Unlock.
func (l *Listener) Close() error {
	err := l.UnixListener.Close()
	if err == nil { // the first time
		_ = os.Remove(l.path)
		if l.link != "" {
			_ = os.Remove(l.link)
		}
	}
	return err
}

// Unlock closes the socket, if it is not closed yet, and gives up the home: the
// daemon has let go of everything in it.
func (l *Listener) Unlock() {
	_ = l.Close()
	_ = l.lock.Close()
}

// socketOf returns where commands find the socket of a home: followed by hand,
// for the link's path may be too long for the system where the target is not.
func socketOf(home string) string {
	path := filepath.Join(home, socketName)
	if target, err := os.Readlink(path); err == nil && filepath.IsAbs(target) {
		return target
	}
	return path
}
