package links

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"
)

// libp2p's AutoRelay is not used: it follows AutoNAT's first version, which nobody
// speaks here, connects to strangers to see whether they relay, and publishes every
// address of each relay, where a record has room for eight. Here a leaf asks those it
// has links to anyway, and only if they do not suffice others that it knows of.

// Bounds and times of relays (our guesses unless said otherwise).
const (
	// wantRelays is at how many relays a leaf keeps a place: one may vanish. (AutoRelay
	// has two as well.)
	wantRelays = 2
	// maxRelayAddrs bounds the addresses published of each.
	maxRelayAddrs = 2
	// maxRelayAddrLen is what a peer's record allows an address.
	maxRelayAddrLen = 128
	// maxRelayTries bounds the peers asked in one round.
	maxRelayTries = 4
	// maxRefusals bounds the peers remembered to have refused.
	maxRefusals = 256
	// reserveTimeout is how long one may take to answer.
	reserveTimeout = 10 * time.Second
	// refusedFor is how long one that refused is left alone, failedFor one that did not
	// answer, or had no address to be called at yet.
	refusedFor = 10 * time.Minute
	failedFor  = 30 * time.Second
	// renewBefore is how long before its end a place is renewed.
	renewBefore = 5 * time.Minute
	// lookForRelays is the pause between rounds while relays are lacking, and
	// checkRelays while none is.
	lookForRelays = 5 * time.Second
	checkRelays   = time.Minute
	// relayTag protects the connection to a relay.
	relayTag = "quilt-relay"
)

// RelayInUse is a relay at which a leaf has a place.
type RelayInUse struct {
	Peer peer.ID
	// Addrs are this host's addresses through it, as text.
	Addrs   []string
	Since   time.Time
	Expires time.Time
	// Bytes and Time are what it grants a connection, 0 for no limit.
	Bytes uint64
	Time  time.Duration
}

// relays keeps places at relays while the host is a leaf.
type relays struct {
	m       *Manager
	emitter event.Emitter
	conns   event.Subscription
	cancel  context.CancelFunc
	wake    chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	role    Role
	held    []seat                // by relay
	refused map[peer.ID]time.Time // until when
}

type seat struct {
	RelayInUse
	addrs []ma.Multiaddr
}

// newRelays begins to keep places, once the role is RoleLeaf.
func newRelays(m *Manager) (*relays, error) {
	bus := m.host.EventBus()
	// What libp2p's own AutoRelay would say: its address manager listens to it, and so
	// does detection.
	emitter, err := bus.Emitter(new(event.EvtAutoRelayAddrsUpdated), eventbus.Stateful)
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	conns, err := bus.Subscribe(new(event.EvtPeerConnectednessChanged), eventbus.BufSize(64), eventbus.Name("links/relays"))
	if err != nil {
		_ = emitter.Close()
		return nil, fmt.Errorf("links: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relays{m: m, emitter: emitter, conns: conns, cancel: cancel, wake: make(chan struct{}, 1),
		ended: make(chan struct{}), refused: make(map[peer.ID]time.Time)}
	go r.run(ctx)
	go r.watch()
	return r, nil
}

// stop ends it and waits.
func (r *relays) stop() {
	r.cancel()
	<-r.ended
	_ = r.conns.Close()
	_ = r.emitter.Close()
}

func (r *relays) setRole(role Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.role != role {
		r.role = role
		signal(r.wake)
	}
}

// watch drops the place at a relay to which the connection is lost: it is lost too.
func (r *relays) watch() {
	for e := range r.conns.Out() {
		c := e.(event.EvtPeerConnectednessChanged)
		r.mu.Lock()
		if c.Connectedness != network.Connected && r.index(c.Peer) >= 0 {
			signal(r.wake)
		}
		r.mu.Unlock()
	}
}

func (r *relays) run(ctx context.Context) {
	defer close(r.ended)
	timer := time.NewTimer(lookForRelays)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		pause := r.round(ctx)
		timer.Reset(pause)
	}
}

// round brings the places up to date, and returns when to do so again.
func (r *relays) round(ctx context.Context) time.Duration {
	r.mu.Lock()
	leaf := r.role == RoleLeaf
	r.mu.Unlock()
	changed := r.dropLost(!leaf)
	if leaf {
		changed = r.renew(ctx) || changed
		changed = r.seek(ctx) || changed
	}
	if changed {
		_ = r.emitter.Emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: r.addrs()})
		r.m.handler.AddrsChanged()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if leaf && len(r.held) < wantRelays {
		return lookForRelays
	}
	return checkRelays
}

// dropLost forgets places at relays that are not connected any more, or all.
func (r *relays) dropLost(all bool) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.held)
	r.held = slices.DeleteFunc(r.held, func(p seat) bool {
		gone := all || directConn(r.m.host.Network(), p.Peer) == nil
		if gone {
			r.m.host.ConnManager().Unprotect(p.Peer, relayTag)
		}
		return gone
	})
	return len(r.held) != before
}

// renew asks for those places again that end soon.
func (r *relays) renew(ctx context.Context) (changed bool) {
	r.mu.Lock()
	var due []peer.ID
	for _, p := range r.held {
		if time.Until(p.Expires) < renewBefore {
			due = append(due, p.Peer)
		}
	}
	r.mu.Unlock()
	for _, id := range due {
		if !r.reserve(ctx, peer.AddrInfo{ID: id}) {
			r.mu.Lock()
			if i := r.index(id); i >= 0 {
				r.held = slices.Delete(r.held, i, i+1)
			}
			r.mu.Unlock()
			r.m.host.ConnManager().Unprotect(id, relayTag)
			changed = true
		}
	}
	return changed
}

// seek asks some who may relay for a place, until there are enough.
func (r *relays) seek(ctx context.Context) (changed bool) {
	tries := 0
	for _, c := range r.candidates() {
		r.mu.Lock()
		enough := len(r.held) >= wantRelays
		r.mu.Unlock()
		if enough || tries == maxRelayTries || ctx.Err() != nil {
			break
		}
		tries++
		changed = r.reserve(ctx, c) || changed
	}
	return changed
}

// candidates are those linked that offer to relay, in random order, so that no relay
// is everybody's; then those that the address book knows of.
func (r *relays) candidates() (list []peer.AddrInfo) {
	for _, p := range r.m.Peers() {
		if !p.Link.Relayed && r.offers(p.Link.Peer) {
			list = append(list, peer.AddrInfo{ID: p.Link.Peer})
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if r.m.cfg.RelayCandidates != nil && len(list) < wantRelays {
		list = append(list, r.m.cfg.RelayCandidates()...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(list, func(c peer.AddrInfo) bool {
		return c.ID == r.m.host.ID() || r.index(c.ID) >= 0 || time.Now().Before(r.refused[c.ID])
	})
}

// offers reports whether a peer has said that it relays.
func (r *relays) offers(id peer.ID) bool {
	known, err := r.m.host.Peerstore().SupportsProtocols(id, proto.ProtoIDv2Hop)
	return err == nil && len(known) > 0
}

// reserve asks one for a place, and keeps it.
func (r *relays) reserve(ctx context.Context, relay peer.AddrInfo) bool {
	ctx, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	got, err := client.Reserve(ctx, r.m.host, relay)
	var addrs []ma.Multiaddr
	if err == nil {
		addrs = circuitAddrs(relay.ID, got.Addrs)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(addrs) == 0 { // refused, or it knows no address of its own
		if len(r.refused) >= maxRefusals {
			clear(r.refused) // once in very long: asking again is cheap
		}
		r.refused[relay.ID] = time.Now().Add(restAfter(err))
		return false
	}
	p := seat{RelayInUse: RelayInUse{Peer: relay.ID, Since: time.Now(), Expires: got.Expiration,
		Bytes: got.LimitData, Time: got.LimitDuration}, addrs: addrs}
	for _, a := range addrs {
		p.Addrs = append(p.Addrs, a.String())
	}
	if i := r.index(relay.ID); i >= 0 {
		p.Since = r.held[i].Since
		r.held[i] = p
	} else {
		r.held = append(r.held, p)
		slices.SortFunc(r.held, func(a, b seat) int { return cmp.Compare(a.Peer, b.Peer) })
	}
	r.m.host.ConnManager().Protect(relay.ID, relayTag)
	return true
}

// restAfter is how long one that gave no place is left alone.
func restAfter(err error) time.Duration {
	var why client.ReservationError
	if errors.As(err, &why) {
		switch why.Status {
		case pbv2.Status_RESERVATION_REFUSED, pbv2.Status_PERMISSION_DENIED, pbv2.Status_RESOURCE_LIMIT_EXCEEDED:
			return refusedFor
		}
	}
	return failedFor
}

// circuitAddrs are this host's addresses through a relay: the best two of the relay's,
// of different transports where it has them.
func circuitAddrs(relay peer.ID, addrs []ma.Multiaddr) (list []ma.Multiaddr) {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, func(a, b ma.Multiaddr) int { return cmp.Or(uselessness(a)-uselessness(b), a.Compare(b)) })
	seen := make(map[int]bool)
	for _, a := range addrs {
		base, id := peer.SplitAddr(a)
		if base == nil || id != relay || viaRelay(base) || len(base) < 2 || seen[base[1].Protocol().Code] {
			continue
		}
		c := base.Encapsulate(ma.StringCast("/p2p/" + relay.String() + "/p2p-circuit"))
		if len(c.Bytes()) > maxRelayAddrLen || len(list) == maxRelayAddrs {
			continue
		}
		seen[base[1].Protocol().Code] = true
		list = append(list, c)
	}
	return list
}

// index finds a place; mu is held.
func (r *relays) index(relay peer.ID) int {
	return slices.IndexFunc(r.held, func(p seat) bool { return p.Peer == relay })
}

// addrs are this host's addresses through all relays.
func (r *relays) addrs() (list []ma.Multiaddr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.held {
		list = append(list, p.addrs...)
	}
	return list
}

func (r *relays) describe() (Role, []RelayInUse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []RelayInUse
	for _, p := range r.held {
		list = append(list, p.RelayInUse)
	}
	return r.role, list
}
