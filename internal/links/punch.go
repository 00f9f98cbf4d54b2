package links

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"
)

// Two hosts that nobody can call meet at a relay, tell each other their public
// addresses, and send to each other at once, so that each one's NAT takes the other's
// packets for answers: libp2p's DCUtR. It begins by itself on a connection through a
// relay, at the side that was called; if that can call the other, it does so instead.
// Here is what libp2p leaves open: whether to try again, and what came of it.

// Times of hole punching.
const (
	// punchDialTimeout is how long each step may take: the called side's dial, which
	// fails where both are behind NATs, then up to three punches. libp2p's default of
	// 10 s would have the dial outlast our patience; at 300 ms round trip a handshake
	// with two packets lost needs 2 s (our guess).
	punchDialTimeout = 3 * time.Second
	// punchTimeout is how long a direct connection is waited for after that through
	// the relay: a dial in vain, and a first punch (our guess).
	punchTimeout = 2*punchDialTimeout + 2*time.Second
	// punchSeries is how long tries count as one: libp2p makes three in a row.
	punchSeries = 20 * time.Second
	// firstPunchRetry is how long a pair that has failed is left alone; it doubles up to
	// maxPunchRetry. What fails between two NATs mostly fails again: only where packets
	// were lost, or a NAT was replaced, is there any hope (our guesses).
	firstPunchRetry = time.Minute
	maxPunchRetry   = 6 * time.Hour
)

// MaxPunchMemory bounds the peers with whom punches failed that are remembered; the one
// that failed longest ago is forgotten first (our guess).
const MaxPunchMemory = 512

// PunchCounters count hole punches, by both sides of each.
type PunchCounters struct {
	// Tried counts punches begun; Succeeded and Failed what came of them.
	Tried, Succeeded, Failed uint64
	// Reversed counts where the side that was called through a relay got through with a
	// plain dial: the caller is public, or had just sent to it and so had opened its NAT.
	Reversed uint64
	// Unready counts where no punch was begun, because one of both knew no address of
	// its own to be punched at, or had failed with the other too lately.
	Unready uint64
	// Spared counts dials for which no relay was asked, because punches with the peer
	// have failed lately.
	Spared uint64
}

// Punch is a hole punch that has ended, for [Config.OnPunch].
type Punch struct {
	Peer peer.ID
	OK   bool
	// Local and Remote are the ends of the connection, nil without one. Tried are the
	// peer's addresses that were sent to.
	Local, Remote ma.Multiaddr
	Tried         []string
}

// punches remembers what came of hole punches. It is libp2p's tracer and filter of
// them; the zero value is ready.
type punches struct {
	network func() network.Network // nil until the host runs
	done    func(Punch)            // may be nil

	mu     sync.Mutex
	hidden bool // see Manager.HidePorts
	count  PunchCounters
	failed []punchMemory // in the order in which they failed first, lately
	tried  map[peer.ID][]string
}

// punchMemory is what is known of punches with one peer that fail.
type punchMemory struct {
	peer     peer.ID
	failures int
	began    time.Time // of the last series of tries
	until    time.Time // no punch before
}

// may reports whether a punch with a peer may be tried, and counts it as spared if not.
func (p *punches) may(now time.Time, to peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mayLocked(now, to) {
		return true
	}
	p.count.Spared++
	return false
}

func (p *punches) mayLocked(now time.Time, to peer.ID) bool {
	i := p.index(to)
	return i < 0 || now.Sub(p.failed[i].began) < punchSeries || !now.Before(p.failed[i].until)
}

func (p *punches) index(of peer.ID) int {
	return slices.IndexFunc(p.failed, func(m punchMemory) bool { return m.peer == of })
}

// fail notes that no hole could be punched; several failures of one series count once.
func (p *punches) fail(now time.Time, with peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := punchMemory{peer: with}
	if i := p.index(with); i >= 0 {
		m = p.failed[i]
		p.failed = slices.Delete(p.failed, i, i+1)
	} else if len(p.failed) == MaxPunchMemory {
		p.failed = slices.Delete(p.failed, 0, 1)
	}
	if m.failures == 0 || now.Sub(m.began) >= punchSeries {
		m.failures++
		m.began = now
	}
	m.until = now.Add(min(firstPunchRetry<<min(m.failures-1, 20), maxPunchRetry))
	p.failed = append(p.failed, m)
}

// worked forgets failures.
func (p *punches) worked(with peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.index(with); i >= 0 {
		p.failed = slices.Delete(p.failed, i, i+1)
	}
}

func (p *punches) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = nil
}

func (p *punches) counters() PunchCounters {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// FilterLocal implements holepunch.AddrFilter: these of our addresses the peer may try.
// Only UDP: our TCP dials do not leave from the port listened on (see newHost), so no
// hole is where the peer would look for it.
func (p *punches) FilterLocal(remote peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	p.mu.Lock()
	may, hidden := p.mayLocked(time.Now(), remote), p.hidden
	p.mu.Unlock()
	if !may {
		return nil
	}
	if hidden {
		addrs = slices.DeleteFunc(slices.Clone(addrs), isIP4)
	}
	return punchable(addrs)
}

func isIP4(a ma.Multiaddr) bool { return len(a) > 0 && a[0].Protocol().Code == ma.P_IP4 }

// HidePorts says whether this host is behind a NAT that gives its ports anew for each
// destination, so that nobody can foretell them: then no hole is punched by IPv4. In vain
// it takes 30 kB for each port that was seen (our measurement). It may be called as often
// as one likes.
func (m *Manager) HidePorts(hidden bool) {
	m.nat.punches.mu.Lock()
	defer m.nat.punches.mu.Unlock()
	m.nat.punches.hidden = hidden
}

// FilterRemote implements holepunch.AddrFilter: these of the peer's we try.
func (p *punches) FilterRemote(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	return punchable(addrs)
}

// maxPunchAddrs bounds the addresses of one punch (our guess: two ports of a NAT, two
// families).
const maxPunchAddrs = 4

func punchable(addrs []ma.Multiaddr) (list []ma.Multiaddr) {
	for _, a := range addrs {
		if _, err := a.ValueForProtocol(ma.P_QUIC_V1); err != nil || len(list) == maxPunchAddrs {
			continue
		}
		if _, err := a.ValueForProtocol(ma.P_WEBTRANSPORT); err != nil {
			list = append(list, a) // WebTransport shares the port: once is enough
		}
	}
	return list
}

// Trace implements holepunch.EventTracer.
func (p *punches) Trace(e *holepunch.Event) {
	switch v := e.Evt.(type) {
	case *holepunch.DirectDialEvt:
		if v.Success {
			p.add(func(c *PunchCounters) { c.Reversed++ })
			p.worked(e.Remote)
		}
	case *holepunch.ProtocolErrorEvt:
		p.add(func(c *PunchCounters) { c.Unready++ })
	case *holepunch.StartHolePunchEvt:
		p.start(e.Remote, v.RemoteAddrs)
	case *holepunch.EndHolePunchEvt:
		p.end(e.Remote, v.Success)
	}
}

func (p *punches) add(f func(*PunchCounters)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.count)
}

// start notes a punch begun. libp2p bounds them to one a peer.
func (p *punches) start(with peer.ID, addrs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.Tried++
	if p.tried == nil {
		p.tried = make(map[peer.ID][]string)
	}
	if len(p.tried) < MaxPunchMemory {
		p.tried[with] = addrs
	}
}

// end notes what came of it.
func (p *punches) end(with peer.ID, ok bool) {
	r := Punch{Peer: with, OK: ok}
	p.mu.Lock()
	r.Tried = p.tried[with]
	delete(p.tried, with)
	if ok {
		p.count.Succeeded++
	} else {
		p.count.Failed++
	}
	p.mu.Unlock()
	if ok {
		p.worked(with)
		if n := p.network(); n != nil {
			if c := directConn(n, with); c != nil {
				r.Local, r.Remote = c.LocalMultiaddr(), c.RemoteMultiaddr()
			}
		}
	} else {
		p.fail(time.Now(), with)
	}
	if p.done != nil {
		p.done(r)
	}
}

// reach connects to a peer: directly, or through a relay, where they arrange a direct
// connection. The relay's own serves only where that will do, and no other came about.
func (m *Manager) reach(ctx context.Context, to peer.ID, relayWillDo bool) (network.Conn, error) {
	dialCtx, cancel := context.WithTimeout(ctx, m.cfg.DialTimeout)
	defer cancel()
	mayPunch := m.cfg.Traverse && m.hasRelayAddr(to) && m.nat.punches.may(time.Now(), to)
	if !mayPunch && !relayWillDo {
		dialCtx = network.WithForceDirectDial(dialCtx, "no use for a relay")
	}
	conn, err := m.dialPeer(dialCtx, to)
	if err != nil || !relayed(conn) {
		return conn, err
	}
	if mayPunch {
		direct, err := m.awaitDirect(ctx, to)
		if direct != nil || err != nil {
			return direct, err
		}
		m.nat.punches.fail(time.Now(), to)
	}
	if relayWillDo && !conn.IsClosed() {
		return conn, nil
	}
	_ = conn.Close()
	return nil, errPunch
}

// punchTimeout is how much longer than another a dial may take that may punch a hole.
func (m *Manager) punchTimeout() time.Duration {
	if !m.cfg.Traverse {
		return 0
	}
	return m.cfg.punchWait
}

// hasRelayAddr reports whether an address through a relay is known of a peer.
func (m *Manager) hasRelayAddr(of peer.ID) bool {
	return slices.ContainsFunc(m.host.Peerstore().Addrs(of), viaRelay)
}

// awaitDirect waits for a direct connection to come about, nil if none does in time.
func (m *Manager) awaitDirect(ctx context.Context, to peer.ID) (network.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.punchWait)
	defer cancel()
	sub, err := m.host.EventBus().Subscribe(new(event.EvtPeerConnectednessChanged), eventbus.BufSize(64), eventbus.Name("links/punch"))
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	defer sub.Close()
	for {
		if c := directConn(m.host.Network(), to); c != nil {
			return c, nil
		}
		select {
		case <-sub.Out():
		case <-ctx.Done():
			return nil, nil
		}
	}
}
