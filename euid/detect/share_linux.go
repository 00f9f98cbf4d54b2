package detect

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/quilt-p2p/quilt/euid"
)

// shareGroup lets several processes have the port, and keeps from a socket what came
// for groups that only others are members of.
func shareGroup(fd uintptr, f euid.Family) error {
	level, all := unix.IPPROTO_IP, unix.IP_MULTICAST_ALL
	if f == euid.IPv6 {
		level, all = unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL
	}
	_ = unix.SetsockoptInt(int(fd), level, all, 0) // IPv6: since Linux 4.20
	return errors.Join(
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}
