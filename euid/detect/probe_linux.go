package detect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/quilt-p2p/quilt/euid"
)

// Probe implements System: a connected UDP socket of its own, so that every probe has
// a port of its own and hears of nothing else. With IP_RECVERR the ICMP errors of what
// it sent are queued on it, which needs no privilege (ip(7)).
func (kernel) Probe(ctx context.Context, p Probe) (Answer, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = prepare(int(fd), p) }); e != nil {
			return e
		}
		return err
	}}
	network := "udp4"
	if familyOf(p.Target.Addr()) == euid.IPv6 {
		network = "udp6"
	}
	target := p.Target
	if target.Addr().IsLinkLocalUnicast() && target.Addr().Is6() {
		target = netip.AddrPortFrom(target.Addr().WithZone(p.By.Name), target.Port())
	}
	conn, err := d.DialContext(ctx, network, target.String())
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	udp := conn.(*net.UDPConn)
	stop := context.AfterFunc(ctx, func() { _ = udp.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := time.Now()
	if _, err := udp.Write(p.Payload); err != nil {
		return Answer{}, err
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	err = raw.Read(func(fd uintptr) bool {
		var ok bool
		a, ok = come(int(fd), p)
		return ok
	})
	a.After = time.Since(sent)
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return a, err
}

// prepare sets a socket up before it is connected.
func prepare(fd int, p Probe) error {
	// Since Linux 5.7 this needs no privilege either. Where it does the routing table
	// decides, as it does for all else.
	if err := unix.BindToDevice(fd, p.By.Name); err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("binding to %s: %w", p.By.Name, err)
	}
	level, recverr, ttl := unix.IPPROTO_IP, unix.IP_RECVERR, unix.IP_TTL
	if familyOf(p.Target.Addr()) == euid.IPv6 {
		level, recverr, ttl = unix.IPPROTO_IPV6, unix.IPV6_RECVERR, unix.IPV6_UNICAST_HOPS
	}
	if err := unix.SetsockoptInt(fd, level, recverr, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, level, ttl, p.TTL)
}

// come takes what has come for a probe, first from the queue of errors; ok is false
// while nothing has.
func come(fd int, p Probe) (a Answer, ok bool) {
	var data [64]byte
	var control [512]byte
	for {
		_, n, _, _, err := unix.Recvmsg(fd, data[:], control[:], unix.MSG_ERRQUEUE)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			break // EAGAIN: the queue is empty
		}
		if a, ok := parseError(control[:n], p.Target.Addr()); ok {
			return a, true
		}
	}
	for {
		_, _, _, _, err := unix.Recvmsg(fd, data[:], nil, 0)
		switch {
		case err == nil:
			return Answer{Kind: Reached, From: plain(p.Target.Addr())}, true
		case errors.Is(err, unix.EAGAIN):
			return Answer{}, false
		}
		// An error that came with one of the queue, which is read by now, or that comes
		// with one since: the kernel reports each once.
		if _, n, _, _, err := unix.Recvmsg(fd, data[:], control[:], unix.MSG_ERRQUEUE); err == nil {
			if a, ok := parseError(control[:n], p.Target.Addr()); ok {
				return a, true
			}
		}
	}
}

// parseError reads what an ICMP error says: sock_extended_err and the address of who
// sent it. An error of this host itself says nothing of the path.
func parseError(control []byte, target netip.Addr) (Answer, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return Answer{}, false
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		const size = int(unsafe.Sizeof(unix.SockExtendedErr{}))
		if !v4 && !v6 || len(m.Data) < size+8 {
			continue
		}
		// errno:4 origin:1 type:1 code:1 pad:1 info:4 data:4, then a sockaddr.
		origin, kind, code, offender := m.Data[4], m.Data[5], m.Data[6], m.Data[size:]
		switch {
		case v4 && origin == unix.SO_EE_ORIGIN_ICMP: // family:2 port:2 addr:4
			return classify(netip.AddrFrom4([4]byte(offender[4:8])), kind == 11, kind == 3, code == 3, target)
		case v6 && origin == unix.SO_EE_ORIGIN_ICMP6 && len(offender) >= 24: // family:2 port:2 flow:4 addr:16
			return classify(netip.AddrFrom16([16]byte(offender[8:24])), kind == 3, kind == 1, code == 4, target)
		}
	}
	return Answer{}, false
}

// classify says what an ICMP error means: time exceeded, or unreachable, perhaps the
// port only.
func classify(from netip.Addr, exceeded, unreachable, port bool, target netip.Addr) (Answer, bool) {
	switch {
	case exceeded:
		return Answer{Kind: Exceeded, From: from}, true
	case unreachable && port && from == plain(target):
		return Answer{Kind: Reached, From: from}, true
	case unreachable:
		return Answer{Kind: Refused, From: from}, true
	}
	return Answer{}, false // packet too big, redirect, …
}
