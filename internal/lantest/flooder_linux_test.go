package lantest

import (
	"net"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flooder sends datagrams that were made ahead, many with one call of the system and
// nothing else for each of them: a host that does nothing but flood has a processor to
// itself, and must not be held up here by what it floods.
type flooder struct{ fd int }

// volley is datagrams that are sent with one call.
type volley []mmsg

// mmsg is struct mmsghdr of Linux.
type mmsg struct {
	unix.Msghdr
	_ uint32
}

// newFlooder opens a socket that sends to a group.
func newFlooder(ifi *net.Interface, group *net.UDPAddr) (*flooder, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	to := &unix.SockaddrInet4{Port: group.Port}
	copy(to.Addr[:], group.IP.To4())
	for _, err := range []error{
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(ifi.Index)}),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 16<<20),
		unix.Connect(fd, to),
	} {
		if err != nil {
			return nil, err
		}
	}
	return &flooder{fd}, nil
}

// first has the calling goroutine keep its thread, and go before all others: it stands
// for a host that has processors of its own.
func (f *flooder) first() error {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	return unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20)
}

// load makes a volley.
func load(datagrams [][]byte) volley {
	v := make(volley, len(datagrams))
	for i, b := range datagrams {
		iov := &unix.Iovec{Base: &b[0]}
		iov.SetLen(len(b))
		v[i].Iov = iov
		v[i].SetIovlen(1)
	}
	return v
}

// fire sends one, and returns how many datagrams the system has taken.
func (f *flooder) fire(v volley) (sent int, err error) {
	for sent < len(v) {
		n, _, e := syscall.Syscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&v[sent])), uintptr(len(v)-sent), 0, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return sent, e
		}
		sent += int(n)
	}
	return sent, nil
}
