package lantest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/sys/unix"
)

// forceBuffer gives a socket a large buffer, as the driver's have.
func forceBuffer(c syscall.Conn, bytes int) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes)
		})
	}
}

// pubSub is a peer of go-libp2p-pubsub over QUIC: GossipSub with its defaults, but for
// queues that are large enough for what is under way.
type pubSub struct {
	host   host.Host
	topic  *pubsub.Topic
	got    atomic.Int64
	copies atomic.Int64
	last   atomic.Int64
	begun  time.Time
}

const pubsubRoom = 4096

// addrsFile is where each peer writes its address, for the others.
func newPubSub() (role, error) {
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	addrs, err := ifi.Addrs()
	if err != nil || len(addrs) == 0 {
		return nil, errors.Join(errors.New("eth0 has no address"), err)
	}
	ip := addrs[0].(*net.IPNet).IP
	h, err := libp2p.New(libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/4001/quic-v1", ip)), libp2p.DisableRelay())
	if err != nil {
		return nil, err
	}
	p := &pubSub{host: h, begun: time.Now()}
	ps, err := pubsub.NewGossipSub(context.Background(), h, pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithPeerOutboundQueueSize(pubsubRoom), pubsub.WithValidateQueueSize(pubsubRoom), pubsub.WithValidateThrottle(pubsubRoom),
		pubsub.WithAppSpecificRpcInspector(func(_ peer.ID, rpc *pubsub.RPC) error {
			p.copies.Add(int64(len(rpc.GetPublish()))) // duplicates included
			return nil
		}))
	if err != nil {
		return nil, err
	}
	if p.topic, err = ps.Join(topicName); err != nil {
		return nil, err
	}
	sub, err := p.topic.Subscribe(pubsub.WithBufferSize(pubsubRoom))
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			m, err := sub.Next(context.Background())
			if err != nil {
				return
			}
			if m.ReceivedFrom != h.ID() {
				p.got.Add(1)
				p.last.Store(int64(time.Since(p.begun)))
			}
		}
	}()
	dir := os.Getenv("QUILT_LANTEST_DIR")
	text := fmt.Sprintf("/ip4/%s/udp/4001/quic-v1/p2p/%s", ip, h.ID())
	return p, os.WriteFile(dir+"/"+h.ID().String()+".addr", []byte(text), 0o600)
}

func (p *pubSub) order(o order) error {
	ctx := context.Background()
	switch o.Do {
	case "connect": // to all that have written their address
		dir := os.Getenv("QUILT_LANTEST_DIR")
		files, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".addr") {
				continue
			}
			text, err := os.ReadFile(dir + "/" + f.Name())
			if err != nil {
				return err
			}
			a, err := ma.NewMultiaddr(string(text))
			if err != nil {
				return err
			}
			info, err := peer.AddrInfoFromP2pAddr(a)
			if err != nil {
				return err
			}
			if info.ID != p.host.ID() {
				if err := p.host.Connect(ctx, *info); err != nil {
					return err
				}
			}
		}
	case "publish":
		begin := time.Now()
		for i := range o.Items {
			if o.Rate > 0 {
				time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))))
			}
			if err := p.topic.Publish(ctx, make([]byte, o.Size)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pubSub) report(r *report) {
	r.Delivered, r.Copies = int(p.got.Load()), int(p.copies.Load())
	r.Idle = time.Since(p.begun) - time.Duration(p.last.Load())
}
