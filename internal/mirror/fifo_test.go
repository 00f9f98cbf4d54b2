//go:build unix

package mirror

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestFIFO: opening one would wait for a writer, perhaps forever.
func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, newFetcher(t, path), "not a file that can be read")
}
