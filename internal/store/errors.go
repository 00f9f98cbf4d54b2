package store

import (
	"errors"
	"fmt"
	"syscall"
)

// Errors of a Store.
var (
	// ErrFull: the disk or the quota is full. The item was not stored; after space
	// is free again the store goes on.
	ErrFull = errors.New("no space to store items: free disk space, raise the store's limit, or keep less history (retention)")
	// ErrBusy: the queue is full. Nothing was stored; try again later.
	ErrBusy = errors.New("store is busy: its queue is full")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrNotFound: no such item is stored.
	ErrNotFound = errors.New("item is not stored")
	// ErrTooLarge: a name, key or value is out of its bounds.
	ErrTooLarge = errors.New("value is too large for the store")
)

// LockedError says that another process has the store open.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("store %s is in use by another process: stop the quilt-peer that runs with this home directory, or choose another one with --home", e.Path)
}

// CorruptError says that a file is damaged or was never a store.
type CorruptError struct {
	Path string
	Err  error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store %s is damaged or is not a quilt store (%v): restore it from a backup, or move it away to begin with an empty one (what other peers hold is fetched again)", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError says that another version of the program wrote the store.
type VersionError struct {
	Path      string
	Have, Can uint64
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("store %s has format %d and this quilt-peer reads format %d: use a newer quilt-peer", e.Path, e.Have, e.Can)
}

// diskError wraps an error of the file system, ErrFull where space is lacking.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	return err
}
