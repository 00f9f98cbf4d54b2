package node

import (
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	blackhole "github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// verdicts are what it takes for a peer to say soon of others whether it can call them.
//
// libp2p counts dials in order to notice a network that swallows UDP or IPv6, and
// while it has not counted a hundred its AutoNAT server refuses to call by them: in a
// net of some tens of peers nobody ever hears whether it can be called by QUIC. But
// one connection shows that nothing is swallowed, and is counted as so many.
type verdicts struct {
	udp, ipv6 *blackhole.BlackHoleSuccessCounter
}

// The counters are as libp2p's own.
const countedDials, leastSuccesses = 100, 5

func newVerdicts() verdicts {
	return verdicts{
		udp:  &blackhole.BlackHoleSuccessCounter{N: countedDials, MinSuccesses: leastSuccesses, Name: "UDP"},
		ipv6: &blackhole.BlackHoleSuccessCounter{N: countedDials, MinSuccesses: leastSuccesses, Name: "IPv6"},
	}
}

// options are those of the host.
func (v *verdicts) options() []libp2p.Option {
	return []libp2p.Option{libp2p.UDPBlackHoleSuccessCounter(v.udp), libp2p.IPv6BlackHoleSuccessCounter(v.ipv6)}
}

// allowed is the state of a counter in which the server calls.
const allowed = "Allowed"

// prove takes in that there was a connection with an address.
func (v *verdicts) prove(remote ma.Multiaddr) {
	if !manet.IsPublicAddr(remote) {
		return
	}
	if _, err := remote.ValueForProtocol(ma.P_CIRCUIT); err == nil {
		return // by way of a relay
	}
	for _, c := range []struct {
		code    int
		counter *blackhole.BlackHoleSuccessCounter
	}{{ma.P_UDP, v.udp}, {ma.P_IP6, v.ipv6}} {
		if _, err := remote.ValueForProtocol(c.code); err != nil {
			continue
		}
		// One success resets a counter that takes the network for a black hole.
		for n := 0; n <= countedDials && c.counter.State().String() != allowed; n++ {
			c.counter.RecordResult(true)
		}
	}
}

// watch feeds the counters until the host closes.
func (v *verdicts) watch(sub event.Subscription) {
	for e := range sub.Out() {
		if c := e.(event.EvtPeerIdentificationCompleted).Conn; c != nil && c.Stat().Direction != network.DirUnknown {
			v.prove(c.RemoteMultiaddr())
		}
	}
}

// maxAcquaintances bounds those whom detection may call on (our guess: it needs two).
const maxAcquaintances = 32

// acquaintances are some peers of the address book.
func (n *Node) acquaintances() (list []detect.Known) {
	var records []gossipmembership.Record
	n.look(func(_ protocol.Time, h *core.Host) { records = h.Acquaintances(maxAcquaintances) })
	for _, r := range records {
		if closed(r.EUIDs) {
			continue // nobody can call on it
		}
		info := detect.Known{AddrInfo: peer.AddrInfo{ID: peer.ID(r.Peer)}, Sure: open(r.EUIDs)}
		for _, text := range r.Addrs {
			if a, err := ma.NewMultiaddrBytes([]byte(text)); err == nil {
				info.Addrs = append(info.Addrs, a)
			}
		}
		list = append(list, info)
	}
	return list
}

// closed reports whether a peer says that nobody can open a connection to it.
func closed(encoded [][]byte) bool {
	for _, b := range encoded {
		e, err := euid.Parse(b)
		if err != nil || euid.Dialable(anywhere, e) {
			return false
		}
	}
	return len(encoded) > 0
}

// open reports whether a peer says that anybody can call it.
func open(encoded [][]byte) bool {
	for _, b := range encoded {
		e, err := euid.Parse(b)
		if err != nil {
			continue
		}
		for _, transports := range e.Reach {
			if slices.Contains(transports[:], euid.DirectionPublic) {
				return true
			}
		}
	}
	return false
}

// anywhere is where one cannot punch holes from, but can call all who are public.
var anywhere = euid.EUID{Mapping: euid.MappingDependent, Reach: [euid.NumFamilies][euid.NumTransports]euid.Direction{
	{euid.DirectionUnreachable, euid.DirectionUnreachable}, {euid.DirectionUnreachable, euid.DirectionUnreachable}}}

// watchVerdicts starts what feeds the counters.
func (n *Node) watchVerdicts(h host.Host) error {
	sub, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	n.wg.Go(func() { n.verdicts.watch(sub) })
	n.wg.Go(func() {
		<-n.closing
		_ = sub.Close()
	})
	return nil
}
