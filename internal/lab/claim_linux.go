package lab

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// claimDir has a locked file for every lab on this machine. One that nobody locks
// is of a lab whose process was killed.
const claimDir = "/run/quilt-lab"

// claim is the name that everything of one lab begins with. It holds while the
// process lives.
type claim struct {
	prefix string
	lock   *os.File
}

// newClaim removes what dead labs left and takes a new name.
func newClaim() (*claim, error) {
	all, err := lockClaims()
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := removeDead(); err != nil {
		return nil, err
	}
	var random [3]byte
	_, _ = rand.Read(random[:]) // it never fails
	c := &claim{prefix: fmt.Sprintf("ql%dx%s", os.Getpid(), hex.EncodeToString(random[:]))}
	if c.lock, err = lockFile(claimFile(c.prefix)); err != nil {
		return nil, err
	}
	return c, nil
}

// lockClaims keeps others from looking for the dead, and from taking or giving up
// a name, until what it returns is closed.
func lockClaims() (*os.File, error) {
	for {
		if err := os.MkdirAll(claimDir, 0o755); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		dir, err := os.Open(claimDir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the last lab has just removed it
		}
		if err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Flock(int(dir.Fd()), unix.LOCK_EX)
		}
		if err != nil {
			dir.Close()
			return nil, fmt.Errorf("lab: locking %s: %w", claimDir, err)
		}
		mine, err1 := dir.Stat()
		now, err2 := os.Stat(claimDir)
		if err1 == nil && err2 == nil && os.SameFile(mine, now) {
			return dir, nil
		}
		dir.Close() // removed meanwhile
	}
}

func claimFile(prefix string) string { return filepath.Join(claimDir, prefix+".claim") }

// lockFile makes a file where it is missing and locks it, or fails at once.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lab: locking %s: %w", name, err)
	}
	return f, nil
}

// dir is where the lab keeps its files.
func (c *claim) dir() string { return stateDir(c.prefix) }

func stateDir(prefix string) string { return filepath.Join(os.TempDir(), "quilt-"+prefix) }

// namespace returns the name of a namespace of the lab.
func (c *claim) namespace(role, name string) namespace {
	return namespace(c.prefix + "-" + role + "-" + name)
}

// release removes everything with the lab's name, and gives it up.
func (c *claim) release() error {
	defer c.lock.Close()
	if err := removeAll(c.prefix); err != nil {
		return err // the claim stays, for the next lab to try again
	}
	all, err := lockClaims()
	if err != nil {
		return err
	}
	defer all.Close()
	if err := os.Remove(claimFile(c.prefix)); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	_ = os.Remove(claimDir) // unless there are other labs
	return nil
}

// removeDead removes what labs left whose processes are no more.
func removeDead() error {
	files, err := filepath.Glob(claimFile("*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		lock, err := lockFile(f)
		if errors.Is(err, unix.EWOULDBLOCK) {
			continue // alive
		}
		if err != nil {
			return err
		}
		err = removeAll(strings.TrimSuffix(filepath.Base(f), ".claim"))
		if err == nil {
			err = os.Remove(f)
		}
		lock.Close()
		if err != nil {
			return fmt.Errorf("lab: removing what a dead one left: %w", err)
		}
	}
	return nil
}

// removeAll removes the namespaces and files of a lab, processes first. Links,
// filters and connections go with their namespaces.
func removeAll(prefix string) error {
	names, err := filepath.Glob(filepath.Join(netnsDir, prefix+"-*"))
	if err != nil {
		return err
	}
	var failed error
	for _, n := range names {
		failed = errors.Join(failed, namespace(filepath.Base(n)).killAll())
	}
	for _, n := range names {
		if out, err := exec.Command("ip", "netns", "delete", filepath.Base(n)).CombinedOutput(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("lab: removing namespace %s: %w: %s", n, err, out))
		}
	}
	if err := os.RemoveAll(stateDir(prefix)); err != nil && !errors.Is(err, unix.ENOTDIR) {
		failed = errors.Join(failed, fmt.Errorf("lab: %w", err))
	}
	return failed
}
