package detect

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/quilt-p2p/quilt/euid"
)

// Interfaces implements System: links, addresses and default routes, by netlink.
func (kernel) Interfaces() ([]Interface, error) {
	var list []Interface
	for _, ask := range []struct {
		of   int
		take func([]Interface, *syscall.NetlinkMessage, []syscall.NetlinkRouteAttr) []Interface
	}{{unix.RTM_GETLINK, takeLink}, {unix.RTM_GETADDR, takeAddr}, {unix.RTM_GETROUTE, takeRoute}} {
		table, err := syscall.NetlinkRIB(ask.of, unix.AF_UNSPEC)
		if err != nil {
			return nil, fmt.Errorf("asking the kernel for its interfaces: %w", err)
		}
		messages, err := syscall.ParseNetlinkMessage(table)
		if err != nil {
			return nil, fmt.Errorf("reading the kernel's interfaces: %w", err)
		}
		for k := range messages {
			// Of a message of a kind that it does not know there are no attributes.
			attrs, err := syscall.ParseNetlinkRouteAttr(&messages[k])
			if err != nil {
				continue
			}
			list = ask.take(list, &messages[k], attrs)
		}
	}
	for k := range list {
		slices.SortFunc(list[k].Addrs, netip.Prefix.Compare)
		list[k].Addrs = slices.Compact(list[k].Addrs)
	}
	slices.SortFunc(list, func(a, b Interface) int { return cmp.Compare(a.Index, b.Index) })
	return list, nil
}

// takeLink reads ifinfomsg: family:1 pad:1 type:2 index:4 flags:4 change:4.
func takeLink(list []Interface, m *syscall.NetlinkMessage, attrs []syscall.NetlinkRouteAttr) []Interface {
	if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
		return list
	}
	flags := binary.NativeEndian.Uint32(m.Data[8:])
	const running = unix.IFF_UP | unix.IFF_RUNNING
	i := Interface{
		Index:    int(int32(binary.NativeEndian.Uint32(m.Data[4:]))),
		Running:  flags&running == running,
		Loopback: flags&unix.IFF_LOOPBACK != 0, Multicast: flags&unix.IFF_MULTICAST != 0,
	}
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			i.Name = text(a.Value)
		case unix.IFLA_MASTER:
			i.Master = int(u32(a.Value))
		case unix.IFLA_LINKINFO:
			i.Kind = text(nested(a.Value, unix.IFLA_INFO_KIND))
		}
	}
	return append(list, i)
}

// takeAddr reads ifaddrmsg: family:1 prefixlen:1 flags:1 scope:1 index:4.
func takeAddr(list []Interface, m *syscall.NetlinkMessage, attrs []syscall.NetlinkRouteAttr) []Interface {
	if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
		return list
	}
	i := byIndex(list, int(binary.NativeEndian.Uint32(m.Data[4:])))
	if i == nil {
		return list
	}
	flags := uint32(m.Data[2])
	var addr, local netip.Addr
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFA_FLAGS:
			flags = u32(a.Value)
		case unix.IFA_ADDRESS: // of a point-to-point link: the other end
			addr, _ = netip.AddrFromSlice(a.Value)
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(a.Value)
		}
	}
	if local.IsValid() {
		addr = local
	}
	if flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 && flags&unix.IFA_F_OPTIMISTIC == 0 {
		return list // not usable yet; the kernel will say when it is
	}
	if addr.IsValid() {
		i.Addrs = append(i.Addrs, netip.PrefixFrom(addr, int(m.Data[1])))
	}
	return list
}

// takeRoute reads rtmsg: family:1 dst_len:1 src_len:1 tos:1 table:1 protocol:1
// scope:1 type:1 flags:4. Only default routes of the main table count.
func takeRoute(list []Interface, m *syscall.NetlinkMessage, attrs []syscall.NetlinkRouteAttr) []Interface {
	if m.Header.Type != unix.RTM_NEWROUTE || len(m.Data) < unix.SizeofRtMsg {
		return list
	}
	if m.Data[1] != 0 || m.Data[4] != unix.RT_TABLE_MAIN || m.Data[7] != unix.RTN_UNICAST {
		return list
	}
	family := euid.IPv4
	if m.Data[0] == unix.AF_INET6 {
		family = euid.IPv6
	}
	var by int
	var metric uint32
	var gateway netip.Addr
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.RTA_OIF:
			by = int(u32(a.Value))
		case unix.RTA_PRIORITY:
			metric = u32(a.Value)
		case unix.RTA_GATEWAY:
			gateway, _ = netip.AddrFromSlice(a.Value)
		case unix.RTA_VIA: // family:2, an IPv4 route by an IPv6 router
			if len(a.Value) > 2 {
				gateway, _ = netip.AddrFromSlice(a.Value[2:])
			}
		case unix.RTA_MULTIPATH: // rtnexthop: len:2 flags:1 hops:1 index:4; the first
			if len(a.Value) >= 8 {
				by = int(u32(a.Value[4:]))
				gateway, _ = netip.AddrFromSlice(nested(a.Value[8:], unix.RTA_GATEWAY))
			}
		}
	}
	i := byIndex(list, by)
	if i == nil || i.Default[family] && i.Metric[family] <= metric {
		return list
	}
	i.Default[family], i.Gateway[family], i.Metric[family] = true, gateway, metric
	return list
}

func byIndex(list []Interface, index int) *Interface {
	for k := range list {
		if list[k].Index == index {
			return &list[k]
		}
	}
	return nil
}

// nested finds an attribute inside of another: len:2 type:2 value, padded to 4.
func nested(b []byte, kind uint16) []byte {
	for len(b) >= unix.SizeofRtAttr {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:]) == kind {
			return b[unix.SizeofRtAttr:n]
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return nil
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func text(b []byte) string { return unix.ByteSliceToString(b) }
