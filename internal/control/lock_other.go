//go:build !unix

package control

import (
	"errors"
	"os"
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// lockFile does not lock here: that nobody answers at the socket has to do, and
// the store's own lock.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
