package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// flow is a source behind a NAT that has sent something.
type flow struct {
	proto string // "udp" or "tcp"
	src   netip.Addr
	port  int
	to    int // the port that others see
}

// flows lists the sources of a router's LAN that its NAT knows.
func (s *site) flows() ([]flow, error) {
	var list []flow
	err := s.ns.do(func() error {
		// Not /proc/net: that is of the process, not of the thread.
		text, err := os.ReadFile("/proc/thread-self/net/nf_conntrack")
		if err != nil {
			return fmt.Errorf("lab: the NAT's flows: %w", err)
		}
		list = parseFlows(string(text))
		return nil
	})
	return list, err
}

// parseFlows reads lines of /proc/net/nf_conntrack, each with the flow as it was
// begun and then as it is answered:
//
//	ipv4 2 udp 17 29 src=192.168.1.10 dst=22.3.0.10 sport=4001 dport=4001 src=22.3.0.10 dst=22.1.0.1 sport=4001 dport=4001 ...
//
// Sources that the LAN has none of, and further flows of one source, are left out.
func parseFlows(text string) []flow {
	var list []flow
	seen := make(map[flow]bool)
	for line := range strings.Lines(text) {
		f := flow{}
		for _, word := range strings.Fields(line) {
			key, value, _ := strings.Cut(word, "=")
			switch {
			case word == "udp" || word == "tcp":
				f.proto = word
			case key == "src" && !f.src.IsValid():
				f.src, _ = netip.ParseAddr(value)
			case key == "sport" && f.port == 0:
				f.port, _ = strconv.Atoi(value)
			}
		}
		if f.proto != "" && f.port != 0 && f.src.IsPrivate() && f.src.Is4() && !seen[f] {
			seen[f] = true
			list = append(list, f)
		}
	}
	return list
}

// flush sends the kernel's "delete all" for the connections of the namespace that
// the netlink socket is of.
func flush(fd int) error {
	const (
		subsystem, deleteAll = 1, 2 // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
		head, family         = 16, 4
	)
	msg := make([]byte, head+family) // the family, version and resource are zero: all
	binary.NativeEndian.PutUint32(msg, uint32(len(msg)))
	binary.NativeEndian.PutUint16(msg[4:], subsystem<<8|deleteAll)
	binary.NativeEndian.PutUint16(msg[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("lab: flushing conntrack: %w", err)
	}
	buf := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return fmt.Errorf("lab: flushing conntrack: %w", err)
	}
	if n < head+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return errors.New("lab: flushing conntrack: no acknowledgement")
	}
	if code := int32(binary.NativeEndian.Uint32(buf[head:])); code != 0 {
		return fmt.Errorf("lab: flushing conntrack: %w", unix.Errno(-code))
	}
	return nil
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) }
