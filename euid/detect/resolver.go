package detect

import (
	"bufio"
	"bytes"
	"net/netip"
	"strings"
)

// Bounds of resolv.conf: what glibc reads is three resolvers (resolv.conf(5), MAXNS);
// the size is our guess.
const (
	maxResolvers = 3
	maxConf      = 64 << 10
)

// Where resolvers are written down. The second is systemd-resolved's true ones, where
// the first has its stub only.
const (
	resolvConf   = "/etc/resolv.conf"
	resolvedConf = "/run/systemd/resolve/resolv.conf"
)

// resolvers are those of this host.
type resolvers struct {
	list []netip.Addr
	from string // the file
	why  string // there is none, or only a stub
}

// findResolvers reads the host's resolvers; behind a stub the true ones.
func findResolvers(read func(string) ([]byte, error)) resolvers {
	b, err := read(resolvConf)
	if err != nil {
		return resolvers{from: resolvConf, why: err.Error()}
	}
	r := resolvers{list: parseResolvConf(b), from: resolvConf}
	if len(r.list) == 0 {
		// "If no nameserver entries are present, the default is to use the name server
		// on the local machine" (resolv.conf(5)).
		r.list = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		r.why = "no resolver is named: it is this host"
	}
	if !allStubs(r.list) {
		return r
	}
	if b, err = read(resolvedConf); err == nil {
		if up := parseResolvConf(b); len(up) > 0 && !allStubs(up) {
			return resolvers{list: up, from: resolvedConf}
		}
	}
	if r.why == "" {
		r.why = "a stub on this host, and nothing says what is behind it"
	}
	return r
}

// parseResolvConf returns the first resolvers of a resolv.conf, each once. Lines that
// it does not understand it ignores, as the resolver does.
func parseResolvConf(b []byte) (list []netip.Addr) {
	lines := bufio.NewScanner(bytes.NewReader(b[:min(len(b), maxConf)]))
	for lines.Scan() {
		// The keyword begins the line.
		rest, ok := strings.CutPrefix(lines.Text(), "nameserver")
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err != nil || a.IsMulticast() {
			continue
		}
		if a = a.Unmap(); a.IsUnspecified() { // "0.0.0.0" is this host too
			a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		if !contains(list, a) {
			list = append(list, a)
		}
		if len(list) == maxResolvers {
			break
		}
	}
	return list
}

func allStubs(list []netip.Addr) bool {
	for _, a := range list {
		if !a.IsLoopback() {
			return false
		}
	}
	return true
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for _, b := range list {
		if a == b {
			return true
		}
	}
	return false
}
