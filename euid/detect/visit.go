package detect

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// visitTimeout is how long a visit by TCP may take to begin before it is tried by all
// that there is (our guess).
const visitTimeout = 4 * time.Second

// Bounds of what a peer says of itself.
const (
	// maxIdentify bounds one message, as libp2p does.
	maxIdentify = 8 << 10
	// maxIdentifyParts bounds the messages in which it comes, as libp2p does.
	maxIdentifyParts = 10
)

// errNothingSeen: a peer does not say what it sees.
var errNothingSeen = errors.New("it does not say what it sees")

// turns have one peer called on by one at a time: a second would share the first's
// connection, of whatever family, and lose it when that leaves.
type turns struct {
	mu    sync.Mutex
	taken map[peer.ID]chan struct{}
}

// take waits for a turn at a peer, and returns what ends it.
func (t *turns) take(ctx context.Context, p peer.ID) (done func(), err error) {
	mine := make(chan struct{})
	for {
		t.mu.Lock()
		other := t.taken[p]
		if other == nil {
			if t.taken == nil {
				t.taken = make(map[peer.ID]chan struct{})
			}
			t.taken[p] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, p)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Look implements Judges by the identify protocol: from the port listened on by QUIC, or
// if that does not get through from any other.
func (h *hostJudges) Look(ctx context.Context, j Judge) (Seen, error) {
	done, err := h.turns.take(ctx, j.Peer)
	if err != nil {
		return Seen{}, err
	}
	defer done()
	if h.by.Looker != nil {
		quic := make([]ma.Multiaddr, 0, len(j.Visit))
		for _, a := range j.Visit {
			if isQUIC(a) {
				quic = append(quic, a)
			}
		}
		if len(quic) > 0 {
			// Half of the time is for the others, if it does not get through.
			half, cancel := context.WithTimeout(ctx, lookTimeout/2)
			s, err := lookFrom(half, h.by.Looker, j.Peer, quic)
			cancel()
			if err == nil || len(quic) == len(j.Visit) {
				return s, err
			}
		}
	}
	return lookFrom(ctx, h.by.Visitor, j.Peer, j.Visit)
}

// connect calls on a peer: by TCP if that gets through, for a QUIC connection of some
// seconds costs 15 kB, most of it probes for the greatest packet, and one of TCP 2 kB
// (our measurement).
func connect(ctx context.Context, by host.Host, p peer.ID, at []ma.Multiaddr) error {
	var tcp, others []ma.Multiaddr
	for _, a := range at {
		if t, _, ok := endpoint(a); ok && t == euid.TCP {
			tcp = append(tcp, a)
			continue
		}
		others = append(others, a)
	}
	if len(tcp) > 0 && len(others) > 0 {
		ctx, cancel := context.WithTimeout(ctx, visitTimeout)
		defer cancel()
		if by.Connect(ctx, peer.AddrInfo{ID: p, Addrs: tcp}) == nil {
			return nil
		}
		by.Peerstore().ClearAddrs(p)
	}
	return by.Connect(ctx, peer.AddrInfo{ID: p, Addrs: at})
}

// isQUIC reports whether an address is dialled by QUIC, with nothing on top.
func isQUIC(a ma.Multiaddr) bool {
	return len(a) > 0 && a[len(a)-1].Protocol().Code == ma.P_QUIC_V1
}

// lookFrom calls on a peer by one host, asks it, and leaves.
func lookFrom(ctx context.Context, by host.Host, p peer.ID, at []ma.Multiaddr) (Seen, error) {
	defer leave(by, p)
	if err := connect(ctx, by, p, at); err != nil {
		return Seen{}, err
	}
	conns := by.Network().ConnsToPeer(p)
	if len(conns) == 0 {
		return Seen{}, errNothingSeen
	}
	s, err := by.NewStream(network.WithNoDial(ctx, "looking"), p, identify.ID)
	if err != nil {
		return Seen{}, err
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	r := pbio.NewDelimitedReader(s, maxIdentify)
	for range maxIdentifyParts {
		var m pb.Identify
		if err := r.ReadMsg(&m); err != nil {
			return Seen{}, err
		}
		if len(m.GetObservedAddr()) == 0 {
			continue
		}
		a, err := ma.NewMultiaddrBytes(m.GetObservedAddr())
		if err != nil {
			return Seen{}, err
		}
		return Seen{Peer: p, Local: s.Conn().LocalMultiaddr(), Remote: s.Conn().RemoteMultiaddr(), Seen: a}, nil
	}
	return Seen{}, errNothingSeen
}
