package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
)

// ether is a network in virtual time. What is on it must run in one bubble of
// testing/synctest, and nothing there may wait for a real socket: that would stop
// the bubble's clock.
type ether struct {
	net   *simnet.Simnet
	cable simnet.NodeBiDiLinkSettings
	plugs map[int]*plug // by host
}

// newEther returns a network whose hosts, numbered from 0, are as far apart as
// latency says, one way, with a bandwidth in Mbit/s each way. It closes with the
// test, after all that was started later.
func newEther(t *testing.T, mbps int, latency func(a, b int) time.Duration) *ether {
	band := simnet.LinkSettings{BitsPerSecond: mbps * simnet.Mibps}
	e := &ether{
		net:   &simnet.Simnet{Logger: slog.New(slog.DiscardHandler)},
		cable: simnet.NodeBiDiLinkSettings{Uplink: band, Downlink: band},
		plugs: make(map[int]*plug),
	}
	e.net.LatencyFunc = func(p *simnet.Packet) time.Duration { return latency(hostAt(p.From), hostAt(p.To)) }
	e.net.Start()
	t.Cleanup(e.net.Close)
	return e
}

// addrOf is a host's address: a public one, which nobody withholds from others.
func addrOf(host int) net.IP { return net.IPv4(11, 0, byte(host>>8), byte(host)).To4() }

// hostAt is addrOf the other way round.
func hostAt(a net.Addr) int {
	ip := a.(*net.UDPAddr).IP.To4()
	return int(ip[2])<<8 | int(ip[3])
}

// join returns the options by which a peer is a host of the network, over QUIC.
func (e *ether) join(t *testing.T, host int) Option {
	var reset, tokens [32]byte
	_, _ = rand.Read(reset[:]) // never fails (crypto/rand)
	_, _ = rand.Read(tokens[:])
	// libp2p does not close a manager of connections that it was given.
	m, err := quicreuse.NewConnManager(reset, tokens,
		quicreuse.OverrideListenUDP(func(_ string, at *net.UDPAddr) (net.PacketConn, error) {
			e.plugs[host] = &plug{SimConn: e.net.NewEndpoint(at, e.cable)}
			return e.plugs[host], nil
		}),
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return onlyIP{addrOf(host)}, nil }),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return func(c *config) error {
		c.listen = []string{fmt.Sprintf("/ip4/%s/udp/4001/quic-v1", addrOf(host))}
		c.libp2p = []libp2p.Option{libp2p.QUICReuse(func() *quicreuse.ConnManager { return m })}
		return nil
	}
}

// cut has a host fall silent: nothing gets out of it or into it any more, and
// nobody is told.
func (e *ether) cut(host int) { e.plugs[host].cut.Store(true) }

// plug is where a host is plugged in.
type plug struct {
	*simnet.SimConn
	cut atomic.Bool
}

func (p *plug) WriteTo(b []byte, to net.Addr) (int, error) {
	if p.cut.Load() {
		return len(b), nil
	}
	return p.SimConn.WriteTo(b, to)
}

func (p *plug) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := p.SimConn.ReadFrom(b)
		if err != nil || !p.cut.Load() {
			return n, from, err
		}
	}
}

// onlyIP is the routing table of a host with one address.
type onlyIP struct{ ip net.IP }

func (o onlyIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return o.ip, nil }

// TestEther: what one host publishes another reads one latency later, and nothing
// any more once it is cut off.
func TestEther(t *testing.T) {
	const latency = 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		e := newEther(t, 1000, func(a, b int) time.Duration { return latency })
		a := start(t, t.TempDir(), e.join(t, 0))
		b := start(t, t.TempDir(), e.join(t, 1), WithTickets(ticket(t, a)))
		said, heard := join(t, a, "talk"), subscribe(t, join(t, b, "talk"))
		time.Sleep(10 * time.Second)
		at := time.Now()
		publish(t, said, "hello")
		nextItem(t, heard, "hello")
		if took := time.Since(at); took < latency || took > latency+time.Millisecond {
			t.Errorf("an item took %v, one way takes %v", took, latency)
		}
		e.cut(0)
		publish(t, said, "anybody there?")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if m, err := heard.Next(ctx); err != context.DeadlineExceeded {
			t.Errorf("read %+v, %v from a host that is cut off", m, err)
		}
	})
}
