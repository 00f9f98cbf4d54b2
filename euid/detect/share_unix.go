//go:build unix && !linux && !solaris && !illumos && !aix

package detect

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/quilt-p2p/quilt/euid"
)

// shareGroup lets several processes have the port.
func shareGroup(fd uintptr, _ euid.Family) error {
	return errors.Join(
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}
