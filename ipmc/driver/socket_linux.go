package driver

import (
	"errors"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tune lets several sockets have a port, makes room for what waits, and keeps from a
// socket what came for groups that only others have joined.
func tune(fd uintptr, six bool, buffer int) error {
	level, all := unix.IPPROTO_IP, unix.IP_MULTICAST_ALL
	if six {
		level, all = unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL
	}
	_ = unix.SetsockoptInt(int(fd), level, all, 0) // IPv6: since Linux 4.20
	if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer) // as much as anybody may
	}
	return errors.Join(
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}

// bindToDevice has a socket send and hear by one interface only. Since Linux 5.7 that
// takes no privileges.
func bindToDevice(c syscall.Conn, name string) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), name) }); e != nil {
		return e
	}
	return err
}

// bindAddress is what the socket of a group is bound to: the group itself, so that no
// other is heard.
func bindAddress(address string, _ netip.AddrPort) string { return address }

// dropped is how many datagrams the system has dropped at a socket.
func (e *ear) dropped() (n uint64) {
	raw, err := e.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		var info [9]uint32 // SK_MEMINFO_VARS of linux/sock_diag.h
		size := uint32(unsafe.Sizeof(info))
		_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if e == 0 {
			n = uint64(info[8]) // SK_MEMINFO_DROPS
		}
	})
	return n
}
