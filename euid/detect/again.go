package detect

import (
	"context"
	"net/netip"
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

// Seen is what a peer says that it sees of this host over a connection between two
// addresses.
type Seen struct {
	Peer                peer.ID
	Local, Remote, Seen ma.Multiaddr
}

// When peers are asked again what they see, after an interface has come or changed,
// while nothing is known of its NAT: connections may outlive the change, and by
// themselves peers say it only once, when a connection is new (our guesses).
var lookAgain = [...]time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}

const (
	// maxLooks bounds the peers that are asked at a time.
	maxLooks = 6
	// lookTimeout is how long they have.
	lookTimeout = 5 * time.Second
	// maxIdentify bounds what one says, as libp2p does.
	maxIdentify = 8 << 10
)

// Look implements Judges, by the identify protocol. Peers go on saying for a connection
// what they saw when it was new, also when it has come by another way since: so a visit
// shows first where this host is seen now, and what is said of other addresses is old.
func (h *hostJudges) Look(ctx context.Context) (list []Seen) {
	ctx, cancel := context.WithTimeout(ctx, 2*lookTimeout)
	defer cancel()
	var now [euid.NumFamilies]netip.Addr
	for f := range euid.NumFamilies {
		now[f] = h.fresh(ctx, f)
	}
	answers := make(chan *Seen)
	asked := 0
	for _, p := range h.host.Network().Peers() {
		conns := h.host.Network().ConnsToPeer(p)
		// By which of several a question goes is not known.
		if asked == maxLooks || len(conns) != 1 || conns[0].Stat().Direction != network.DirOutbound || conns[0].Stat().Limited {
			continue
		}
		asked++
		go func() { answers <- look(ctx, h.host, conns[0]) }()
	}
	for range asked {
		s := <-answers
		if s == nil {
			continue
		}
		if _, at, ok := endpoint(s.Seen); ok && at.Addr() == now[familyOf(at.Addr())] {
			list = append(list, *s)
		}
	}
	return list
}

// maxVisits bounds those who are called on before nobody says where this host is seen.
const maxVisits = 3

// fresh is where this host is seen now; invalid where nobody says.
func (h *hostJudges) fresh(ctx context.Context, f euid.Family) netip.Addr {
	others := h.Others(f)
	for _, j := range others[:min(len(others), maxVisits)] {
		if at := h.seenBy(ctx, j); at.IsValid() {
			return at
		}
	}
	return netip.Addr{}
}

// seenBy calls on somebody, and returns where he sees this host.
func (h *hostJudges) seenBy(ctx context.Context, j Judge) netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	defer h.leave(j.Peer)
	if err := h.visitor.Connect(ctx, peer.AddrInfo{ID: j.Peer, Addrs: j.Visit}); err != nil {
		return netip.Addr{}
	}
	conns := h.visitor.Network().ConnsToPeer(j.Peer)
	if len(conns) == 0 {
		return netip.Addr{}
	}
	s := look(ctx, h.visitor, conns[0])
	if s == nil {
		return netip.Addr{}
	}
	_, at, _ := endpoint(s.Seen)
	return at.Addr()
}

// look asks one peer; nil where it does not say.
func look(ctx context.Context, h host.Host, c network.Conn) *Seen {
	s, err := h.NewStream(network.WithNoDial(ctx, "looking"), c.RemotePeer(), identify.ID)
	if err != nil {
		return nil
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	r := pbio.NewDelimitedReader(s, maxIdentify)
	for range 10 { // in parts, as libp2p sends it
		var m pb.Identify
		if r.ReadMsg(&m) != nil {
			return nil
		}
		if len(m.GetObservedAddr()) == 0 {
			continue
		}
		a, err := ma.NewMultiaddrBytes(m.GetObservedAddr())
		if err != nil {
			return nil
		}
		return &Seen{Peer: c.RemotePeer(), Local: c.LocalMultiaddr(), Remote: c.RemoteMultiaddr(), Seen: a}
	}
	return nil
}

// lookSometimes asks what others see of an interface when it is time, if it is not
// known by then.
func (l *loop) lookSometimes(now time.Time, n *nic) {
	if l.d.cfg.Judges == nil || n.looked == len(lookAgain) || now.Before(n.begun.Add(lookAgain[n.looked])) {
		return
	}
	n.looked++
	for _, views := range n.views {
		for _, v := range views {
			if v.mapping != euid.MappingUnknown {
				return
			}
		}
	}
	do := l.d.cfg.Judges.Look
	l.work(n, func(ctx context.Context, tell func(result)) {
		if seen := do(ctx); len(seen) > 0 {
			tell(result{seen: seen})
		}
	})
}

// nextLook is when that may be.
func (n *nic) nextLook() time.Time {
	if n.looked == len(lookAgain) {
		return time.Time{}
	}
	return n.begun.Add(lookAgain[n.looked])
}
