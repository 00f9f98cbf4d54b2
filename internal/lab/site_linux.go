package lab

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// site is a site that was built: a namespace with the switch (br0), which is also
// the router's leg in the LAN, and the TUN interface to the others (wan0).
type site struct {
	Site // Kind changes
	lab  *Lab
	ns   namespace

	index  int // in the description
	number int // of its addresses
	nics   []*nic
	moved  []flow // NAT: flows that have been given another port; see [Lab.Rebind]
	ports  int    // how many such ports have been given
	mapped []portMapping
}

// build makes the router.
func (s *site) build() error {
	err := s.ns.sysctls(append(append([]string(nil), quiet...),
		"ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1", "ipv6/conf/default/forwarding=1")...)
	if err != nil {
		return err
	}
	snoop := 0
	if s.Multicast == Snoop {
		snoop = 1
	}
	err = s.ns.ip("link set lo up",
		fmt.Sprintf("link add br0 address %s mtu %d type bridge forward_delay 0 mcast_snooping %d mcast_querier %d",
			mac(s.index, 0), mtu, snoop, snoop),
		"link set br0 up")
	if err != nil {
		return err
	}
	err = s.ns.do(func() error {
		tun, err := openTUN("wan0")
		s.lab.carrier.tuns[s.index] = tun
		return err
	})
	if err != nil {
		return err
	}
	// No link-local address: nobody is there to hear what it would announce.
	if err := s.ns.sysctls("ipv6/conf/wan0/addr_gen_mode=1"); err != nil {
		return err
	}
	if err := s.ns.ip(fmt.Sprintf("link set wan0 mtu %d txqueuelen 5000 up", mtu)); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	if s.PortMap {
		if err := s.mapPorts(); err != nil {
			return err
		}
	}
	if s.resolver() == AtGateway {
		return s.lab.resolve(s.ns, ":53")
	}
	return nil
}

// gateway returns the router's addresses on the LAN; invalid where the site has none.
func (s *site) gateway() (v4, v6 netip.Addr) {
	if s.family().Has4() {
		v4 = s.lan4(1)
	}
	if s.family().Has6() {
		v6 = public6(s.number, 1)
	}
	return v4, v6
}

func (s *site) lan4(last int) netip.Addr {
	if s.kind().Private() {
		return private4(last)
	}
	return public4(s.number, last)
}

// configure gives the router its addresses, routes and filter.
func (s *site) configure() error {
	lines := []string{"addr flush dev br0 scope global", "addr flush dev wan0"}
	v4, v6 := s.gateway()
	if v4.IsValid() {
		lines = append(lines, fmt.Sprintf("addr add %s/24 dev br0", v4))
		if s.kind().Private() {
			lines = append(lines, fmt.Sprintf("addr add %s/32 dev wan0", public4(s.number, 1)))
		}
		lines = append(lines, "route replace default dev wan0")
	}
	if v6.IsValid() {
		lines = append(lines, fmt.Sprintf("addr add %s/64 dev br0 nodad", v6), "route replace ::/0 dev wan0")
	}
	if err := s.ns.ip(lines...); err != nil {
		return err
	}
	if s.Expiry > 0 {
		seconds := int(s.Expiry.Seconds())
		err := s.ns.sysctls(fmt.Sprintf("netfilter/nf_conntrack_udp_timeout=%d", seconds),
			fmt.Sprintf("netfilter/nf_conntrack_udp_timeout_stream=%d", seconds))
		if err != nil {
			return err
		}
	}
	return s.ns.nft(s.rules())
}

// rules is the site's packet filter in the language of nft.
func (s *site) rules() string {
	var b strings.Builder
	if s.kind().Private() {
		b.WriteString("table ip nat {\n")
		s.mappingRules(&b)
		s.openRules(&b)
		b.WriteString(" chain post {\n  type nat hook postrouting priority srcnat;\n")
		for _, f := range s.moved {
			fmt.Fprintf(&b, "  oifname wan0 ip saddr %s %s sport %d snat to %s:%d\n", f.src, f.proto, f.port, public4(s.number, 1), f.to)
		}
		how := "" // keeps the port where nobody has it
		if s.kind() == Symmetric {
			how = " random,fully-random"
		}
		fmt.Fprintf(&b, "  oifname wan0 masquerade%s\n }\n}\n", how)
	}
	if s.kind().Filtered() {
		// Dropped on input too, not only when forwarded: conntrack would keep a
		// flow that came uninvited, and give the host's own packet of the same
		// ports another port.
		b.WriteString(`table inet filter {
 chain uninvited {
  type filter hook input priority filter;
  iifname wan0 ct state new,invalid drop
 }
 chain across {
  type filter hook forward priority filter;
  iifname wan0 ct status dnat accept
  iifname wan0 ct state new,invalid drop
`)
		if s.kind() == TLSOnly {
			// A record of TLS's handshake begins with 16 03 (RFC 8446 5.1).
			b.WriteString(`  iifname br0 tcp dport != 443 drop
  iifname br0 meta l4proto != tcp drop
  iifname br0 ct mark 1 accept
  iifname br0 @ih,0,16 0x1603 ct mark set 1 accept
  iifname br0 @ih,0,8 >= 0 drop comment "anything else that is said first"
`)
		}
		b.WriteString(" }\n}\n")
	}
	if s.Multicast == Block {
		b.WriteString(`table bridge filter {
 chain between {
  type filter hook forward priority filter;
  ip daddr 224.0.0.0/4 drop
  ip6 daddr ff00::/8 ip6 nexthdr udp drop
 }
}
`)
	}
	return b.String()
}

// openRules is the part of the site's packet filter that lets in more by UDP than
// answers: which host has sent from a port, and to whom, is kept for as long as a flow.
// The port outside is the same as that of the host; hosts must not share one.
func (s *site) openRules(b *strings.Builder) {
	key, sent, came := "", "", ""
	switch s.kind() {
	case FullCone:
		key, sent, came = "inet_service", "udp sport", "udp dport"
	case Restricted:
		key, sent, came = "inet_service . ipv4_addr", "udp sport . ip daddr", "udp dport . ip saddr"
	default:
		return
	}
	life := 30 * time.Second // as the kernel's
	if s.Expiry > 0 {
		life = s.Expiry
	}
	public := public4(s.number, 1)
	fmt.Fprintf(b, " map opened {\n  type %s : ipv4_addr; flags dynamic,timeout; timeout %ds; size 65535;\n }\n", key, int(life.Seconds()))
	fmt.Fprintf(b, " chain sent {\n  type filter hook postrouting priority 0;\n  oifname wan0 meta l4proto udp update @opened { %s : ip saddr }\n }\n", sent)
	fmt.Fprintf(b, " chain came {\n  type nat hook prerouting priority dstnat + 1;\n  iifname wan0 ip daddr %s meta l4proto udp dnat to %s map @opened\n", public, came)
	if s.kind() == FullCone {
		fmt.Fprintf(b, "  iifname br0 ip daddr %s meta l4proto udp dnat to %s map @opened\n", public, came)
		b.WriteString(" }\n chain back {\n  type nat hook postrouting priority srcnat - 1;\n")
		fmt.Fprintf(b, "  oifname br0 ct status dnat ip saddr %s/24 snat to %s\n", private4(1), public)
	}
	b.WriteString(" }\n")
}

// nameservers are what the site's hosts are told to ask.
func (s *site) nameservers() []netip.Addr {
	var v4, v6 netip.Addr
	switch s.resolver() {
	case NoResolver:
		return nil
	case AtHost:
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 53})}
	case AtGateway:
		v4, v6 = s.gateway()
	default:
		v4, v6 = s.lab.Router(s.resolver())
	}
	var list []netip.Addr
	if s.family().Has4() {
		list = append(list, v4)
	}
	if s.family().Has6() {
		list = append(list, v6)
	}
	return list
}

// resolve answers DNS queries at an address of a namespace until the lab is closed.
func (l *Lab) resolve(ns namespace, address string) error {
	var conn net.PacketConn
	err := ns.do(func() (err error) {
		conn, err = net.ListenPacket("udp", address)
		return err
	})
	if err != nil {
		return fmt.Errorf("lab: the resolver: %w", err)
	}
	l.later(func() { conn.Close() })
	l.serve.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				if isClosed(err) {
					return
				}
				continue // an ICMP error about an earlier answer
			}
			if msg := answer(buf[:n], l.lookup); msg != nil {
				_, _ = conn.WriteTo(msg, from)
			}
		}
	})
	return nil
}

// flushConntrack makes the router forget all flows.
func (s *site) flushConntrack() error {
	return s.ns.do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return fmt.Errorf("lab: conntrack: %w", err)
		}
		defer unix.Close(fd)
		return flush(fd)
	})
}
