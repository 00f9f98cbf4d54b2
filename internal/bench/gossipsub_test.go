//go:build unix

package bench

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// room is how much GossipSub may queue anywhere, more than any window has under way:
// it drops silently what does not fit.
const room = 4096

// newHost starts a libp2p host built exactly as Quilt builds its own.
func newHost(b *testing.B, listen string) (host.Host, func()) {
	b.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	m, err := links.New(links.Config{
		Identity: key,
		Listen:   []string{listen},
		Hello:    func() []byte { return nil },
		Now:      func() protocol.Time { return protocol.Time(time.Since(start)) },
	}, nobody{})
	if err != nil {
		b.Fatal(err)
	}
	return m.Host(), func() { _ = m.Stop() }
}

// newGossipSub starts GossipSub with its defaults (signatures made and checked, mesh
// of 6) but for the sizes of its queues, on hosts that are all connected with each
// other.
func newGossipSub(b *testing.B, peers int, listen string) *network {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	net := &network{}
	var copies atomic.Uint64
	var hosts []host.Host
	var stops []func()
	net.copies = copies.Load
	net.close = func() {
		cancel()
		for _, stop := range stops {
			stop()
		}
	}
	var routers []*pubsub.PubSub
	for range peers {
		h, stop := newHost(b, listen)
		hosts, stops = append(hosts, h), append(stops, stop)
		ps, err := pubsub.NewGossipSub(ctx, h,
			pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
			pubsub.WithPeerOutboundQueueSize(room),
			pubsub.WithValidateQueueSize(room),
			pubsub.WithValidateThrottle(room),
			pubsub.WithAppSpecificRpcInspector(func(_ peer.ID, rpc *pubsub.RPC) error {
				copies.Add(uint64(len(rpc.GetPublish()))) // duplicates included
				return nil
			}))
		if err != nil {
			b.Fatal(err)
		}
		routers = append(routers, ps)
	}
	for i, ps := range routers {
		topic, err := ps.Join("bench")
		if err != nil {
			b.Fatal(err)
		}
		sub, err := topic.Subscribe(pubsub.WithBufferSize(room))
		if err != nil {
			b.Fatal(err)
		}
		net.next = append(net.next, func(ctx context.Context) (int, error) {
			m, err := sub.Next(ctx)
			if err != nil {
				return 0, err
			}
			return len(m.Data), nil
		})
		if i == 0 {
			net.publish = func(ctx context.Context, data []byte) error { return topic.Publish(ctx, data) }
		}
	}
	for i, h := range hosts {
		for _, o := range hosts[:i] {
			if err := h.Connect(ctx, peer.AddrInfo{ID: o.ID(), Addrs: o.Addrs()}); err != nil {
				b.Fatal(err)
			}
		}
	}
	await(b, "topic's peers", func() bool {
		for _, ps := range routers {
			if len(ps.ListPeers("bench")) < peers-1 {
				return false
			}
		}
		return true
	})
	time.Sleep(3 * pubsub.GossipSubHeartbeatInterval) // it builds the mesh at heartbeats
	return net
}

// nobody handles links that only carry GossipSub.
type nobody struct{}

func (nobody) Hello(protocol.PeerID, []byte) error          { return nil }
func (nobody) Up(protocol.Link)                             {}
func (nobody) Down(protocol.PeerID, string)                 {}
func (nobody) DialFailed(protocol.PeerID, string)           {}
func (nobody) Frame(protocol.PeerID, []byte, protocol.Time) {}
func (nobody) Congested(protocol.PeerID)                    {}
func (nobody) Drained(protocol.PeerID)                      {}
func (nobody) Dropped(protocol.PeerID, protocol.Class, any) {}
func (nobody) Found(peer protocol.PeerID, addrs []string)   {}
func (nobody) AddrsChanged()                                {}
