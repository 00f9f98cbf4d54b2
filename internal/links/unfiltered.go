package links

import (
	"context"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

// unfiltered is a transport whose addresses are dialled even where the peer has
// another on the same port.
//
// libp2p drops a WebSocket address where it knows a TCP address of the same IP address
// and port, and a WebTransport address where it knows a QUIC one (its swarm's
// filterLowPriorityAddresses), for it takes them to be equally reachable. To a
// firewall that looks into packets they are not, and peers who can listen on 443
// only have nothing but such pairs. The filter goes by the protocols in the address;
// so when the addresses are resolved, just before it, what names the transport is
// written differently, and written back when the address is dialled:
//
//	/ip4/1.2.3.4/tcp/443/tls/ws                           /ip4/1.2.3.4/tcp/443/tls/http
//	/ip4/1.2.3.4/udp/443/quic-v1/webtransport/certhash/…  /ip4/1.2.3.4/udp/443/quic-v1/http/certhash/…
//
// The other form never leaves the host: addresses that it tells others are those it
// listens on.
type unfiltered struct {
	transport.Transport
	form form
}

// marker is what is written instead. libp2p dials nothing by that name.
var marker = component("http")

// form is how one transport's addresses are written.
type form struct {
	name  ma.Component // what names the transport
	after int          // code of what stands before it, perhaps with a server name between
}

var (
	webSocketForm    = form{component("ws"), ma.P_TLS}
	webTransportForm = form{component("webtransport"), ma.P_QUIC_V1}
)

func component(name string) ma.Component {
	c, err := ma.NewComponent(name, "")
	if err != nil {
		panic(err)
	}
	return *c
}

// mark writes an address so that the filter lets it pass.
func (f form) mark(a ma.Multiaddr) ma.Multiaddr { return f.replace(a, f.name, marker) }

// unmark writes it as it was.
func (f form) unmark(a ma.Multiaddr) ma.Multiaddr { return f.replace(a, marker, f.name) }

func (f form) replace(a ma.Multiaddr, from, to ma.Component) ma.Multiaddr {
	before := 0 // the code of the last component but a server name
	for i, c := range a {
		code := c.Protocol().Code
		switch {
		case code == ma.P_CIRCUIT:
			return a // it is for the relay
		case code == from.Protocol().Code && before == f.after:
			b := append(ma.Multiaddr(nil), a...)
			b[i] = to
			return b
		case code != ma.P_SNI:
			before = code
		}
	}
	return a
}

// canonical writes /wss as /tls/ws.
func canonical(a ma.Multiaddr) ma.Multiaddr {
	for i, c := range a {
		if c.Protocol().Code == ma.P_WSS {
			b := append(ma.Multiaddr(nil), a[:i]...)
			b = append(b, component("tls"), webSocketForm.name)
			return append(b, a[i+1:]...)
		}
	}
	return a
}

// CanDial is of transport.Transport.
func (t *unfiltered) CanDial(a ma.Multiaddr) bool { return t.Transport.CanDial(t.form.unmark(a)) }

// Dial is of transport.Transport.
func (t *unfiltered) Dial(ctx context.Context, a ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	return t.Transport.Dial(ctx, t.form.unmark(a), p)
}

// Resolve is of transport.Resolver: libp2p asks it before it filters.
func (t *unfiltered) Resolve(ctx context.Context, a ma.Multiaddr) ([]ma.Multiaddr, error) {
	list := []ma.Multiaddr{canonical(t.form.unmark(a))}
	if r, ok := t.Transport.(transport.Resolver); ok {
		var err error
		if list, err = r.Resolve(ctx, list[0]); err != nil {
			return nil, err
		}
	}
	for i, a := range list {
		list[i] = t.form.mark(a)
	}
	return list, nil
}

// Close is of io.Closer.
func (t *unfiltered) Close() error {
	if c, ok := t.Transport.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// unfilteredQUIC is a transport whose addresses name certificates.
type unfilteredQUIC struct{ unfiltered }

// AddCertHashes is what libp2p asks to complete an address that it tells others.
func (t *unfilteredQUIC) AddCertHashes(a ma.Multiaddr) (ma.Multiaddr, bool) {
	c, ok := t.Transport.(interface {
		AddCertHashes(ma.Multiaddr) (ma.Multiaddr, bool)
	})
	if !ok {
		return a, false
	}
	return c.AddCertHashes(a)
}
