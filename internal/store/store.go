package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	// lockTimeout is how long Open waits for another process to let go: enough for
	// one that is just ending.
	lockTimeout = time.Second
	// DefaultCacheBytes is the default of Options.CacheBytes.
	DefaultCacheBytes = 8 << 20
)

// Options of Open. The zero value is usable.
type Options struct {
	// Now is the wall clock for times of receipt; time.Now by default.
	Now func() time.Time
	// MaxBytes bounds what the stored items take, ItemOverhead for each included; 0
	// for no limit. Past it puts fail with ErrFull. The file may be larger (see
	// ItemOverhead), and what pruned items leave behind is used again, not given
	// back.
	MaxBytes int64
	// CacheBytes bounds the recent items kept in memory; DefaultCacheBytes by
	// default, negative for none.
	CacheBytes int64
}

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	path  string
	opts  Options
	db    *bbolt.DB
	cache *cache
	queue *queue

	writer  sync.WaitGroup
	closing sync.Once
	closed  error

	puts, commits, damaged atomic.Uint64
}

// Open opens the store in the file path, which it creates with mode 0600 in an
// existing directory. It fails with *LockedError, *CorruptError, *VersionError,
// ErrFull, or the file system's error.
func Open(path string, opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.CacheBytes == 0 {
		opts.CacheBytes = DefaultCacheBytes
	}
	s := &Store{path: path, opts: opts, cache: newCache(opts.CacheBytes), queue: newQueue()}
	if err := s.openFile(); err != nil {
		return nil, err
	}
	if err := s.openFormat(); err != nil {
		_ = s.db.Close() // the first error says more
		return nil, err
	}
	s.writer.Go(s.write)
	return s, nil
}

// openFile opens and locks the file.
func (s *Store) openFile() (err error) {
	defer s.guard(&err)()
	_, statErr := os.Stat(s.path)
	s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
		PageSize:     pageSize,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return &LockedError{Path: s.path}
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch),
		errors.Is(err, berrors.ErrChecksum):
		return &CorruptError{Path: s.path, Err: err}
	case err != nil:
		return fmt.Errorf("opening store: %w", diskError(err))
	case errors.Is(statErr, os.ErrNotExist):
		return syncDir(filepath.Dir(s.path))
	}
	return nil
}

// syncDir makes a file's creation survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening store: %w", err)
	}
	defer d.Close()
	// Some file systems cannot sync directories; they order such things themselves.
	_ = d.Sync()
	return nil
}

// openFormat checks the format of the file, and writes it into an empty one.
func (s *Store) openFormat() error {
	fresh := false
	err := s.view(func(tx *bbolt.Tx) error {
		if info, err := os.Stat(s.path); err != nil || info.Size() < tx.Size() {
			return fmt.Errorf("file is shorter than the %d bytes in use", tx.Size())
		}
		var err error
		fresh, err = checkFormat(s.path, tx)
		return err
	})
	var version *VersionError
	switch {
	case errors.As(err, &version):
		return version
	case err != nil:
		return s.corrupt(err)
	case fresh:
		return s.update(initFormat)
	}
	return nil
}

// Close commits what is queued and closes the file. Calling it again is harmless.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.queue.close()
		s.writer.Wait()
		s.closed = s.db.Close()
	})
	return s.closed
}

// view runs a read transaction. fn must be short: it must not wait.
func (s *Store) view(fn func(*bbolt.Tx) error) (err error) {
	defer s.guard(&err)()
	return s.translate(s.db.View(fn))
}

// update runs a read-write transaction and syncs it to disk.
func (s *Store) update(fn func(*bbolt.Tx) error) (err error) {
	defer s.guard(&err)()
	return s.translate(s.db.Update(fn))
}

// translate makes errors of bbolt the package's own.
func (s *Store) translate(err error) error {
	switch {
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, errLayout):
		return s.corrupt(err)
	}
	return diskError(err)
}

// guard turns a panic into an error: bbolt panics on a damaged page, and touching
// the mapping of a file that was cut short is a fault.
//
//	defer s.guard(&err)()
func (s *Store) guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			*err = s.corrupt(fmt.Errorf("%v", r))
		}
	}
}

// corrupt makes a *CorruptError of err, unless it is one.
func (s *Store) corrupt(err error) error {
	var c *CorruptError
	if errors.As(err, &c) {
		return err
	}
	return &CorruptError{Path: s.path, Err: err}
}
