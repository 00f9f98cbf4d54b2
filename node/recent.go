package node

import (
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/euid"
)

// Bounds of the addresses that are remembered (our guesses).
const (
	maxRecent = 1024
	// dialedLife is longer than NATs remember where something was sent to.
	dialedLife = time.Hour
)

// recent are the addresses with which there was something to do, and when last; of too
// many the oldest is forgotten. IPv6 hosts change theirs within a /64, so that counts
// for one. The zero value is empty.
type recent struct{ at map[netip.Prefix]time.Time }

func (r *recent) note(a netip.Addr) {
	p := spot(a)
	if r.at == nil {
		r.at = make(map[netip.Prefix]time.Time)
	}
	if _, known := r.at[p]; !known && len(r.at) >= maxRecent {
		var oldest netip.Prefix
		for q, at := range r.at {
			if !oldest.IsValid() || at.Before(r.at[oldest]) {
				oldest = q
			}
		}
		delete(r.at, oldest)
	}
	r.at[p] = time.Now()
}

// since reports whether there was something to do with an address since a time.
func (r *recent) since(a netip.Addr, t time.Time) bool {
	at, ok := r.at[spot(a)]
	return ok && !at.Before(t)
}

func spot(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}

// way is the transport and address of a multiaddr that is not by way of a relay.
func way(a ma.Multiaddr) (euid.Transport, netip.Addr, bool) {
	if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err == nil {
		return 0, netip.Addr{}, false
	}
	ip, err := manet.ToIP(a)
	if err != nil {
		return 0, netip.Addr{}, false
	}
	addr, ok := netip.AddrFromSlice(ip)
	t := euid.TCP
	if _, err := a.ValueForProtocol(ma.P_UDP); err == nil {
		t = euid.UDP
	}
	return t, addr.Unmap(), ok
}
