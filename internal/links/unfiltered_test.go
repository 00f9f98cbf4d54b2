package links

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// TestMark: addresses are written differently and back, relays' and others' are left
// alone.
func TestMark(t *testing.T) {
	const hash = "/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
	const via = "/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit"
	for _, c := range []struct {
		form            form
		written, marked string
	}{
		{webSocketForm, "/ip4/1.2.3.4/tcp/443/tls/ws", "/ip4/1.2.3.4/tcp/443/tls/http"},
		{webSocketForm, "/ip4/1.2.3.4/tcp/443/tls/sni/a.example/ws", "/ip4/1.2.3.4/tcp/443/tls/sni/a.example/http"},
		{webSocketForm, "/ip4/1.2.3.4/tcp/80/ws", "/ip4/1.2.3.4/tcp/80/ws"},
		{webSocketForm, "/ip4/1.2.3.4/tcp/443", "/ip4/1.2.3.4/tcp/443"},
		{webTransportForm, "/ip4/1.2.3.4/udp/1/quic-v1/webtransport" + hash, "/ip4/1.2.3.4/udp/1/quic-v1/http" + hash},
		{webTransportForm, "/ip4/1.2.3.4/udp/1/quic-v1/webtransport" + via, "/ip4/1.2.3.4/udp/1/quic-v1/http" + via},
		{webTransportForm, via + "/ip4/1.2.3.4/udp/1/quic-v1/webtransport", via + "/ip4/1.2.3.4/udp/1/quic-v1/webtransport"},
	} {
		a := ma.StringCast(c.written)
		if got := c.form.mark(a).String(); got != c.marked {
			t.Errorf("%s is marked %s, want %s", c.written, got, c.marked)
		}
		if got := c.form.unmark(ma.StringCast(c.marked)).String(); got != c.written {
			t.Errorf("%s is unmarked %s, want %s", c.marked, got, c.written)
		}
		if a.String() != c.written {
			t.Errorf("the address itself was changed to %s", a)
		}
	}
	if got := canonical(ma.StringCast("/ip4/1.2.3.4/tcp/443/wss")).String(); got != "/ip4/1.2.3.4/tcp/443/tls/ws" {
		t.Errorf("wss is written %s", got)
	}
}
