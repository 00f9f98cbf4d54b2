package pieces

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// DefaultQuota is the default of Open's quota in bytes: 10 GiB (our guess: what a
// volunteer gives without being asked).
const DefaultQuota = 10 << 30

// maxOpen bounds the files open at once.
const maxOpen = 64

// Errors of a Vault.
var (
	// ErrFull: the quota or the disk leaves no room.
	ErrFull = errors.New("no space for large files: free disk space, or raise the limit (run --large-limit)")
	// ErrMissing: a piece, or the content, is not here.
	ErrMissing = errors.New("not all of it is here yet")
)

// Key names a content of a topic.
type Key struct {
	Topic protocol.TopicID
	Root  large.Hash
}

// Vault keeps pieces. Its methods may be called from several goroutines.
type Vault struct {
	dir   string
	quota int64

	mu    sync.Mutex
	used  int64
	files map[Key]*file
	order []Key // of files, the one used longest ago first
}

// Open opens the vault in a directory, which is made where it is missing, and removes
// what an interrupted import has left. A quota of 0 is DefaultQuota.
func Open(dir string, quota int64) (*Vault, error) {
	if quota == 0 {
		quota = DefaultQuota
	}
	v := &Vault{dir: dir, quota: quota, files: make(map[Key]*file)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of large files: %w", err)
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if strings.HasPrefix(e.Name(), importPrefix) {
			return os.Remove(path)
		}
		info, err := e.Info()
		if err == nil {
			v.used += info.Size()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking through large files: %w", err)
	}
	return v, nil
}

// Close closes all files.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var errs []error
	for _, k := range v.order {
		errs = append(errs, v.files[k].f.Close())
	}
	v.files, v.order = make(map[Key]*file), nil
	return errors.Join(errs...)
}

// Used is how many bytes are taken, Quota how many may be.
func (v *Vault) Used() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.used
}

// Quota is how many bytes may be taken.
func (v *Vault) Quota() int64 { return v.quota }

// reserve takes room.
func (v *Vault) reserve(bytes int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.used+bytes > v.quota {
		return fmt.Errorf("%w: %d bytes are needed, %d of %d are taken", ErrFull, bytes, v.used, v.quota)
	}
	v.used += bytes
	return nil
}

func (v *Vault) release(bytes int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.used -= bytes
}

func (v *Vault) topicDir(t protocol.TopicID) string {
	return filepath.Join(v.dir, hex.EncodeToString(t[:]))
}

// path is where a content is in full.
func (v *Vault) path(k Key) string {
	return filepath.Join(v.topicDir(k.Topic), hex.EncodeToString(k.Root[:]))
}

const (
	partSuffix   = ".part"
	importPrefix = "import-"
)

// Complete reports whether a content is here in full.
func (v *Vault) Complete(k Key) bool {
	_, err := os.Stat(v.path(k))
	return err == nil
}

// RemoveTopic removes all of a topic.
func (v *Vault) RemoveTopic(t protocol.TopicID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := len(v.order) - 1; i >= 0; i-- {
		if k := v.order[i]; k.Topic == t {
			v.drop(i)
		}
	}
	dir := v.topicDir(t)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			v.used -= info.Size()
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// drop closes the i-th file of order.
func (v *Vault) drop(i int) {
	k := v.order[i]
	_ = v.files[k].f.Close() // whoever reads it gets an error, and opens it again
	delete(v.files, k)
	v.order = append(v.order[:i], v.order[i+1:]...)
}

// diskError makes ErrFull of what the file system says where space is lacking.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	return err
}

// syncDir makes a new name survive a power failure.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // some file systems cannot, and order such things themselves
		_ = d.Close()
	}
}
