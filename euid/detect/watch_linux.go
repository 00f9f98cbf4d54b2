package detect

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watched are the changes of which the kernel is asked to tell.
const watched = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
	unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// Watch implements System. What the kernel says is not read: that it says something
// is enough to look again, and a message that was lost for want of room says so too.
func (kernel) Watch(ctx context.Context) (<-chan struct{}, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: watched}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("asking the kernel to tell of changes: %w", err)
	}
	f := os.NewFile(uintptr(fd), "netlink") // non-blocking: Close ends Read
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	changed := make(chan struct{}, 1)
	go func() {
		defer stop()
		defer f.Close()
		b := make([]byte, 16<<10)
		for {
			if _, err := f.Read(b); err != nil && !errors.Is(err, unix.ENOBUFS) {
				close(changed)
				return
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed, nil
}
