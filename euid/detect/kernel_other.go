//go:build !linux

package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"

	"github.com/quilt-p2p/quilt/euid"
)

// Interfaces implements System. Routes are not known: an interface with a global
// address counts as one with a default route.
func (kernel) Interfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	list := make([]Interface, 0, len(all))
	for _, n := range all {
		i := Interface{Index: n.Index, Name: n.Name,
			Running:  n.Flags&(net.FlagUp|net.FlagRunning) == net.FlagUp|net.FlagRunning,
			Loopback: n.Flags&net.FlagLoopback != 0, Multicast: n.Flags&net.FlagMulticast != 0}
		addrs, err := n.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				i.Addrs = append(i.Addrs, p)
			}
		}
		slices.SortFunc(i.Addrs, netip.Prefix.Compare)
		for f := range euid.NumFamilies {
			i.Default[f] = i.has(f) && !i.Loopback
			i.Metric[f] = uint32(n.Index)
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Interface) int { return cmp.Compare(a.Index, b.Index) })
	return list, nil
}

// Watch implements System.
func (kernel) Watch(context.Context) (<-chan struct{}, error) {
	return nil, fmt.Errorf("changes of interfaces on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Probe implements System.
func (kernel) Probe(context.Context, Probe) (Answer, error) {
	return Answer{}, fmt.Errorf("tracing without privileges on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
