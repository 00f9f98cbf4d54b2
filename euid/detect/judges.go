package detect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2/pb"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// Judge is a peer that can be asked whether it can call this host.
type Judge struct {
	Peer peer.ID
	// Addr is where it is.
	Addr netip.Addr
	// Transport is how it is connected.
	Transport euid.Transport
	// Since is when it was connected: over an older connection than this host's address
	// it takes that for another's.
	Since time.Time
	// Visit are the addresses at which to call on it; none: it is connected.
	Visit []ma.Multiaddr
	// Sure: others have found that it can be called.
	Sure bool
}

// Judges are those who can be asked. Its methods may be called from several
// goroutines; Ask ends with ctx, and the others soon.
type Judges interface {
	// Connected are those with whom there is a connection.
	Connected() []Judge
	// Others are some who can be called on at addresses of the family.
	Others(f euid.Family) []Judge
	// Ask has a judge call an address, and reports whether it came through. One judge
	// is asked one thing at a time: libp2p's mix up addresses of one peer.
	Ask(ctx context.Context, j Judge, addr ma.Multiaddr) (called bool, err error)
	// Look calls on one of Others, and asks what it sees of this host: from the port
	// listened on where that is possible.
	Look(ctx context.Context, j Judge) (Seen, error)
}

// askTimeout is more than a judge of libp2p gives itself: 10 s to call, and 5 s to say
// so.
const askTimeout = 20 * time.Second

// maxAnswer bounds the messages of judges, as libp2p does.
const maxAnswer = 8 << 10

// Errors of asking.
var (
	// errRefused: a judge cannot or does not want to call.
	errRefused = errors.New("it does not call")
	// errGuard: before it calls another address than it sees this host at a judge wants
	// 30 kB or more, so that nobody can use it against others (AutoNAT v2's guard against
	// amplification). Others want nothing.
	errGuard = errors.New("it wants to be paid")
	// errAnswer: an answer that makes no sense.
	errAnswer = errors.New("bad answer")
	// errNotSeen: a judge says that it came through, and nobody has come.
	errNotSeen = errors.New("it says that it came through, and did not")
)

// Known is a peer that may be called on.
type Known struct {
	peer.AddrInfo
	// Sure: it says of itself that it can be called.
	Sure bool
}

// Callers are the hosts by which [HostJudges] calls on others. Neither listens.
type Callers struct {
	// Visitor has the host's own identity, and what it sends leaves by other ports than
	// the host listens on; nobody takes its connections for links. Nil: nobody is called
	// on.
	Visitor host.Host
	// Looker has another identity, and calls by QUIC from the port on which the host
	// listens: what others see of it they would see of the host. Nil: there is none.
	Looker host.Host
}

// HostJudges are the peers of a libp2p host that serve AutoNAT v2, and known ones,
// which may, and are called on for it by whatever family is wanted.
//
// libp2p itself asks the connected ones too, if it is told to, but each once in two
// minutes only and for one of the host's addresses, the near ones as well, and whatever
// they want for it.
func HostJudges(h host.Host, by Callers, known func() []Known) Judges {
	return &hostJudges{host: h, by: by, known: known}
}

type hostJudges struct {
	host  host.Host
	by    Callers
	known func() []Known
	turns turns
}

// Connected implements Judges: those to whom all connections are alike, for a question
// may go by any.
func (h *hostJudges) Connected() (list []Judge) {
	for _, p := range h.host.Network().Peers() {
		conns := h.host.Network().ConnsToPeer(p)
		var t euid.Transport
		var remote netip.AddrPort
		var since time.Time
		alike := len(conns) > 0
		for k, c := range conns {
			tc, rc, ok := endpoint(c.RemoteMultiaddr())
			alike = alike && ok && !c.Stat().Limited && (k == 0 || tc == t && rc.Addr() == remote.Addr())
			t, remote, since = tc, rc, c.Stat().Opened
		}
		if !alike {
			continue
		}
		if s, err := h.host.Peerstore().SupportsProtocols(p, autonatv2.DialProtocol); err == nil && len(s) == 1 {
			list = append(list, Judge{Peer: p, Addr: remote.Addr(), Transport: t, Since: since})
		}
	}
	return list
}

// Others implements Judges: also those who are connected, but perhaps by the other
// family only.
func (h *hostJudges) Others(f euid.Family) (list []Judge) {
	if h.by.Visitor == nil {
		return nil
	}
	all := h.known()
	for _, p := range h.host.Network().Peers() {
		all = append(all, Known{AddrInfo: h.host.Peerstore().PeerInfo(p)})
	}
	for _, info := range all {
		var visit []ma.Multiaddr
		var at netip.Addr
		for _, a := range info.Addrs {
			_, ap, ok := endpoint(a)
			if !ok || familyOf(ap.Addr()) != f || !public(ap.Addr()) || at.IsValid() && at != ap.Addr() ||
				!h.by.Visitor.Network().CanDial(info.ID, a) {
				continue
			}
			visit, at = append(visit, a), ap.Addr()
		}
		if at.IsValid() && info.ID != h.host.ID() {
			list = append(list, Judge{Peer: info.ID, Addr: at, Visit: visit, Sure: info.Sure})
		}
	}
	return list
}

// Ask implements Judges, with AutoNAT v2's protocol. The nonce with which the judge
// calls is not waited for: that it has come this host sees itself, see
// [Config.Accepted].
func (h *hostJudges) Ask(ctx context.Context, j Judge, addr ma.Multiaddr) (bool, error) {
	by := h.host
	if len(j.Visit) > 0 {
		done, err := h.turns.take(ctx, j.Peer)
		if err != nil {
			return false, err
		}
		defer done()
		by = h.by.Visitor
		defer leave(by, j.Peer)
		if err := connect(ctx, by, j.Peer, j.Visit); err != nil {
			return false, err
		}
	}
	s, err := by.NewStream(network.WithNoDial(ctx, "asking"), j.Peer, autonatv2.DialProtocol)
	if err != nil {
		return false, err
	}
	defer s.Reset() // harmless after an answer
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	request := &pb.Message{Msg: &pb.Message_DialRequest{DialRequest: &pb.DialRequest{Addrs: [][]byte{addr.Bytes()}}}}
	if err := pbio.NewDelimitedWriter(s).WriteMsg(request); err != nil {
		return false, err
	}
	var answer pb.Message
	if err := pbio.NewDelimitedReader(s, maxAnswer).ReadMsg(&answer); err != nil {
		return false, err
	}
	return judgement(&answer)
}

// leave ends a visit.
func leave(by host.Host, p peer.ID) {
	_ = by.Network().ClosePeer(p)
	by.Peerstore().ClearAddrs(p)
}

// judgement reads what a judge answers.
func judgement(m *pb.Message) (called bool, err error) {
	if m.GetDialDataRequest() != nil {
		return false, errGuard
	}
	r := m.GetDialResponse()
	switch {
	case r == nil || r.GetAddrIdx() != 0:
		return false, errAnswer
	case r.GetStatus() != pb.DialResponse_OK:
		return false, fmt.Errorf("%w: %v", errRefused, r.GetStatus())
	}
	switch r.GetDialStatus() {
	case pb.DialStatus_OK, pb.DialStatus_E_DIAL_BACK_ERROR: // connected; only the nonce was not taken
		return true, nil
	case pb.DialStatus_E_DIAL_ERROR:
		return false, nil
	}
	return false, errAnswer
}
