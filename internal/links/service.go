package links

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/protocol"
)

// RelayCounters count what a host has relayed for others.
type RelayCounters struct {
	// Places counts places given, Renewed those given again, Refused those refused.
	Places, Renewed, Refused uint64
	// Circuits counts connections passed on, Bytes what they carried.
	Circuits, Bytes uint64
}

// service is libp2p's relay, while the host is public and its owner is willing. (libp2p
// can start and stop it by itself, but by AutoNAT's first version, which nobody speaks
// here.) The zero value does not run.
type service struct {
	mu    sync.Mutex
	relay *relay.Relay

	places, renewed, refused, circuits, bytes atomic.Uint64
}

// set starts or stops it.
func (s *service) set(h host.Host, cfg Config, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.relay == nil:
		options := []relay.Option{
			relay.WithResources(relay.Resources{
				Limit:                 &relay.RelayLimit{Data: cfg.Relay.Bytes, Duration: cfg.Relay.Time},
				ReservationTTL:        time.Hour,
				MaxReservations:       cfg.Relay.Places,
				MaxCircuits:           cfg.Relay.Circuits,
				BufferSize:            2048, // libp2p's
				MaxReservationsPerIP:  cfg.Relay.PlacesPerAddr,
				MaxReservationsPerASN: cfg.Relay.Places,
			}),
			relay.WithMetricsTracer(s),
			relay.WithACL(relayACL{cfg}),
		}
		if cfg.anyRelayAddr {
			options = append(options, relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
		}
		r, err := relay.New(h, options...)
		if err != nil {
			return fmt.Errorf("links: starting the relay: %w", err)
		}
		s.relay = r
	case !on && s.relay != nil:
		err := s.relay.Close()
		s.relay = nil
		if err != nil {
			return fmt.Errorf("links: stopping the relay: %w", err)
		}
	}
	return nil
}

func (s *service) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relay != nil
}

func (s *service) counters() RelayCounters {
	return RelayCounters{Places: s.places.Load(), Renewed: s.renewed.Load(), Refused: s.refused.Load(),
		Circuits: s.circuits.Load(), Bytes: s.bytes.Load()}
}

// relayACL keeps those out that are refused as peers.
type relayACL struct{ cfg Config }

func (a relayACL) AllowReserve(p peer.ID, _ ma.Multiaddr) bool { return a.allow(p) }

func (a relayACL) AllowConnect(src peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	return a.allow(src) && a.allow(dest)
}

func (a relayACL) allow(p protocol.PeerID) bool {
	return a.cfg.Gater == nil || a.cfg.Gater.InterceptPeerDial(p)
}

// service is a relay.MetricsTracer.
var _ relay.MetricsTracer = (*service)(nil)

// RelayStatus implements relay.MetricsTracer.
func (s *service) RelayStatus(bool) {}

// ConnectionOpened implements relay.MetricsTracer.
func (s *service) ConnectionOpened() { s.circuits.Add(1) }

// ConnectionClosed implements relay.MetricsTracer.
func (s *service) ConnectionClosed(time.Duration) {}

// ConnectionRequestHandled implements relay.MetricsTracer.
func (s *service) ConnectionRequestHandled(pbv2.Status) {}

// ReservationAllowed implements relay.MetricsTracer.
func (s *service) ReservationAllowed(renewed bool) {
	if renewed {
		s.renewed.Add(1)
	} else {
		s.places.Add(1)
	}
}

// ReservationClosed implements relay.MetricsTracer.
func (s *service) ReservationClosed(int) {}

// ReservationRequestHandled implements relay.MetricsTracer.
func (s *service) ReservationRequestHandled(status pbv2.Status) {
	if status != pbv2.Status_OK {
		s.refused.Add(1)
	}
}

// BytesTransferred implements relay.MetricsTracer.
func (s *service) BytesTransferred(n int) { s.bytes.Add(uint64(n)) }
