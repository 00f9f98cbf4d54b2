package lab

import (
	"fmt"
	"net/netip"
)

// nic is an interface of a host: eth0 is at the first site that the description
// lists the host at, eth1 at the second.
type nic struct {
	host *Host
	site *site
	name string
	slot int // among the site's interfaces
	last int // last byte of its addresses; guarded by the lab's lock

	ruled []netip.Addr // sources that leave by this interface; where a host has several
}

// port is the switch's end of the cable.
func (n *nic) port() string { return fmt.Sprintf("port%d", n.slot) }

// build lays the cable.
func (n *nic) build() error {
	err := n.site.ns.ip(
		fmt.Sprintf("link add %s mtu %d type veth peer name %s netns %s address %s mtu %d",
			n.port(), mtu, n.name, n.host.ns, mac(n.site.index, n.slot+1), mtu),
		fmt.Sprintf("link set %s master br0 up", n.port()))
	if err != nil || n.site.Rate == 0 {
		return err
	}
	// Each end limits what it sends.
	if err := n.site.ns.limit(n.port(), n.site.Rate); err != nil {
		return err
	}
	return n.host.ns.limit(n.name, n.site.Rate)
}

// addrs returns the interface's addresses.
func (n *nic) addrs() (list []netip.Addr) {
	if n.site.family().Has4() {
		list = append(list, n.site.lan4(n.last))
	}
	if n.site.family().Has6() {
		list = append(list, public6(n.site.number, n.last))
	}
	return list
}

// public returns the addresses from which other sites see what it sends.
func (n *nic) public() []netip.Addr {
	list := n.addrs()
	if n.site.kind().Private() {
		list[0] = public4(n.site.number, 1)
	}
	return list
}

// configure gives the interface its addresses and routes, and brings it up.
func (n *nic) configure() error {
	lines := []string{"addr flush dev " + n.name + " scope global", "link set " + n.name + " up"}
	if err := n.rule("del", n.ruled); err != nil {
		return err
	}
	n.ruled = nil
	gateway4, gateway6 := n.site.gateway()
	// Of several default routes the first interface's is preferred; but what has
	// an interface's address leaves by it, as answers must.
	several := len(n.host.nics) > 1
	for _, a := range n.addrs() {
		all, lan, more, gateway := "0.0.0.0/0", netip.PrefixFrom(a, 24), "brd +", gateway4
		if a.Is6() {
			all, lan, more, gateway = "::/0", netip.PrefixFrom(a, 64), "nodad", gateway6
		}
		lines = append(lines, fmt.Sprintf("addr add %s %s dev %s", lan, more, n.name),
			fmt.Sprintf("route replace %s via %s dev %s metric %d", all, gateway, n.name, n.table()))
		if several {
			lines = append(lines,
				fmt.Sprintf("route replace %s dev %s table %d", lan.Masked(), n.name, n.table()),
				fmt.Sprintf("route replace %s via %s dev %s table %d", all, gateway, n.name, n.table()))
		}
	}
	if err := n.host.ns.ip(lines...); err != nil || !several {
		return err
	}
	n.ruled = n.addrs()
	return n.rule("add", n.ruled)
}

// rule adds or deletes the rules by which packets from the addresses leave by the
// interface.
func (n *nic) rule(do string, from []netip.Addr) error {
	for _, a := range from {
		ip := n.host.ns.ip
		if a.Is6() {
			ip = n.host.ns.ip6
		}
		if err := ip(fmt.Sprintf("rule %s from %s lookup %d", do, a, n.table())); err != nil {
			return err
		}
	}
	return nil
}

// table is the number of the interface's routing table, and its routes' metric.
func (n *nic) table() int {
	for i, o := range n.host.nics {
		if o == n {
			return 100 + i
		}
	}
	panic("lab: an interface of no host")
}
