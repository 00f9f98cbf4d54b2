package links

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// The transports every test of links runs over.
var transports = map[string]string{
	"quic": "/ip4/127.0.0.1/udp/0/quic-v1",
	"tcp":  "/ip4/127.0.0.1/tcp/0",
	"wss":  "/ip4/127.0.0.1/tcp/0/tls/ws",
	"h3":   "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
}

// overEach runs a test over each transport.
func overEach(t *testing.T, test func(t *testing.T, listen string)) {
	for _, name := range []string{"quic", "tcp", "wss", "h3"} {
		t.Run(name, func(t *testing.T) { test(t, transports[name]) })
	}
}

// patience is how long a test waits for what must happen; nothing is measured by it.
const patience = 30 * time.Second

// await waits until ok.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for: %s", what)
		}
	}
}

// node is a Manager under test with its Handler.
type node struct {
	*Manager
	rec *recorder
}

// newKey makes an identity.
func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// testConfig is a config for tests; timeouts are for a busy machine.
func testConfig(t testing.TB, listen string) Config {
	start := time.Now()
	cfg := Config{
		Identity:        newKey(t),
		Hello:           func() []byte { return []byte("hello") },
		Now:             func() protocol.Time { return protocol.Time(time.Since(start)) },
		DialTimeout:     patience,
		GreetingTimeout: patience,
		WriteTimeout:    patience,
		FlushTimeout:    5 * time.Second,
	}
	if listen != "" {
		cfg.Listen = []string{listen}
	}
	return cfg
}

// newNode starts a Manager; the test stops it at its end.
func newNode(t testing.TB, listen string, change ...func(*Config)) *node {
	t.Helper()
	cfg := testConfig(t, listen)
	for _, f := range change {
		f(&cfg)
	}
	rec := newRecorder(t)
	m, err := New(cfg, rec)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{m, rec}
	t.Cleanup(func() { n.stop(t) })
	return n
}

// stop stops a node, as often as one likes.
func (n *node) stop(t testing.TB) {
	if err := n.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	n.rec.mu.Lock()
	defer n.rec.mu.Unlock()
	if len(n.rec.up) != 0 {
		t.Errorf("links still up after Stop: %v", n.rec.up)
	}
}

// link dials from n to o and waits until both sides are up.
func (n *node) link(t testing.TB, o *node) {
	t.Helper()
	n.Dial(o.ID(), o.Addrs())
	awaitUp(t, n, o)
}

// awaitUp waits until two nodes have a link.
func awaitUp(t testing.TB, n, o *node) {
	t.Helper()
	await(t, "both sides up", func() bool { return n.rec.isUp(o.ID()) && o.rec.isUp(n.ID()) })
}

// rawPeer is a libp2p host under a test's own hands: a peer that misbehaves.
type rawPeer struct {
	host.Host
	t       testing.TB
	streams chan network.Stream // opened to it
	serial  uint64
}

// newRaw starts a raw peer. It accepts streams of the protocol where speaks is set.
func newRaw(t testing.TB, listen string, speaks bool) *rawPeer {
	t.Helper()
	cfg, err := testConfig(t, listen).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHost(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	p := &rawPeer{Host: h, t: t, streams: make(chan network.Stream, 16)}
	if speaks {
		h.SetStreamHandler(ProtocolID, func(s network.Stream) { p.streams <- s })
	}
	return p
}

// dial connects to a node and opens a stream to it.
func (p *rawPeer) dial(to *node) network.Stream {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Connect(ctx, peer.AddrInfo{ID: to.ID(), Addrs: to.host.Addrs()}); err != nil {
		p.t.Fatal(err)
	}
	s, err := p.NewStream(ctx, to.ID(), ProtocolID)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// accepted returns the next stream opened to the peer.
func (p *rawPeer) accepted() network.Stream {
	p.t.Helper()
	select {
	case s := <-p.streams:
		return s
	case <-time.After(patience):
		p.t.Fatal("no stream was opened")
		return nil
	}
}

// greet writes a greeting that answers a session.
func (p *rawPeer) greet(s network.Stream, answers session) {
	p.t.Helper()
	p.serial++
	p.write(s, framed(greeting{session: session{7, p.serial}, answers: answers}.appendTo(nil)))
}

// greeted reads a greeting.
func (p *rawPeer) greeted(s network.Stream) greeting {
	p.t.Helper()
	frame, _, err := newFrameReader(s).next(maxGreeting)
	if err != nil {
		p.t.Fatal(err)
	}
	g, err := parseGreeting(frame)
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

func (p *rawPeer) write(s network.Stream, b []byte) {
	p.t.Helper()
	if _, err := s.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// link makes a link to a node, and returns the peer's stream and the node's.
func (p *rawPeer) link(to *node) (out, in network.Stream) {
	p.t.Helper()
	out = p.dial(to)
	p.greet(out, session{})
	in = p.accepted()
	p.greeted(in)
	await(p.t, "up", func() bool { return to.rec.isUp(p.ID()) })
	return out, in
}

// framed puts a length before b.
func framed(b []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

// pattern returns n bytes that depend on the seed.
func pattern(seed byte, n int) []byte { return bytes.Repeat([]byte{seed, byte(n)}, n/2+1)[:n] }

// idOf returns the peer ID of a key.
func idOf(t testing.TB, key crypto.PrivKey) protocol.PeerID {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
