package links

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// NAT-PMP (RFC 6886): a host asks its router for a public port that leads to one of its
// own. go-libp2p v0.51.0 has a client of it that never finds the router on Linux
// (its own go-netroute v0.4.0 knows no way to 0.0.0.0), and looks only once; so here is
// one.
//
//	request:  version:1=0 op:1                                       the public address
//	          version:1=0 op:1 reserved:2 inside:2 outside:2 seconds:4   a port
//	answer:   version:1=0 op:1|128 result:2 epoch:4 address:4
//	          version:1=0 op:1|128 result:2 epoch:4 inside:2 outside:2 seconds:4

const (
	pmpPort    = 5351
	pmpAddress = 0
	pmpUDP     = 1
	pmpTCP     = 2
	pmpAnswer  = 128

	// pmpLifetime is how long a port is asked for ("the RECOMMENDED Port Mapping
	// Lifetime is 7200 seconds", section 3.3), pmpRenew when it is renewed ("halfway to
	// expiry time"), but soon enough to notice a router that was started again.
	pmpLifetime = 2 * time.Hour
	pmpRenew    = 10 * time.Minute
	// pmpLook is the pause after a router did not answer (our guess).
	pmpLook = 2 * time.Minute
	// pmpWatch is how often it is seen whether the gateway is another.
	pmpWatch = 5 * time.Second
	// "the client … waits 250 ms for a response … doubling" (section 3.1); RFC 6886
	// would have nine tries, in two minutes: a router on the LAN is nearer.
	pmpFirstWait = 250 * time.Millisecond
	pmpTries     = 4
	// maxPMPPorts bounds the ports asked for: two families and transports, twice.
	maxPMPPorts = 8
)

// errPMP: an answer that is none, or a refusal.
var errPMP = errors.New("links: NAT-PMP")

// pmpEntry is a transport, by its opcode, and a port listened on.
type pmpEntry struct {
	op   byte
	port uint16
}

// pmp keeps ports of the router mapped.
type pmp struct {
	gateway func() netip.Addr
	listen  func() []ma.Multiaddr

	mu     sync.Mutex
	public netip.Addr // invalid: no router answers
	mapped map[pmpEntry]uint16
}

// run keeps the mappings until ctx ends, then gives them back.
func (p *pmp) run(ctx context.Context) {
	tick := time.NewTicker(pmpWatch)
	defer tick.Stop()
	var router netip.Addr
	var again time.Time
	for {
		gateway := p.gateway()
		if gateway != router {
			p.set(netip.Addr{}, nil) // another network
		}
		if now := time.Now(); gateway != router || now.After(again) {
			router, again = gateway, now.Add(pmpRenew)
			if router.IsValid() && p.ask(ctx, router) != nil {
				p.set(netip.Addr{}, nil)
				again = now.Add(pmpLook)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.giveBack(router)
			return
		}
	}
}

// ask asks the router for its address and for all ports.
func (p *pmp) ask(ctx context.Context, router netip.Addr) error {
	answer, err := exchangePMP(ctx, router, []byte{0, pmpAddress})
	if err != nil {
		return err
	}
	public, err := parsePMPAddress(answer)
	if err != nil {
		return err
	}
	mapped := make(map[pmpEntry]uint16)
	for _, e := range pmpEntries(p.listen()) {
		answer, err := exchangePMP(ctx, router, appendPMPMap(e, pmpLifetime))
		if err != nil {
			continue // this one is another's, perhaps
		}
		if outside, err := parsePMPMap(answer, e); err == nil {
			mapped[e] = outside
		}
	}
	p.set(public, mapped)
	return nil
}

func (p *pmp) set(public netip.Addr, mapped map[pmpEntry]uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.public, p.mapped = public, mapped
}

// giveBack tells the router, without waiting, that the ports are not needed any more.
func (p *pmp) giveBack(router netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := range p.mapped { //tidy:orderless each is independent
		if conn, err := net.Dial("udp4", netip.AddrPortFrom(router, pmpPort).String()); err == nil {
			_, _ = conn.Write(appendPMPMap(e, 0))
			_ = conn.Close()
		}
	}
	p.public, p.mapped = netip.Addr{}, nil
}

func (p *pmp) found() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.public.IsValid()
}

// mapping is the public end of an address listened on, nil for none. A router that is
// itself behind another's NAT has none to give.
func (p *pmp) mapping(listen ma.Multiaddr) ma.Multiaddr {
	e, ok := pmpEntryOf(listen)
	if !ok {
		return nil
	}
	p.mu.Lock()
	outside, ok := p.mapped[e]
	public := p.public
	p.mu.Unlock()
	if !ok || !public.IsValid() {
		return nil
	}
	transport := "udp"
	if e.op == pmpTCP {
		transport = "tcp"
	}
	a, err := ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/%s/%d", public, transport, outside))
	if err != nil || !manet.IsPublicAddr(a) {
		return nil
	}
	return append(a, listen[2:]...)
}

// pmpEntryOf is what is to be asked for so that an address listened on can be called.
func pmpEntryOf(a ma.Multiaddr) (e pmpEntry, ok bool) {
	if len(a) < 2 || a[0].Protocol().Code != ma.P_IP4 {
		return e, false
	}
	ip, ok := netip.AddrFromSlice(a[0].RawValue())
	if !ok || ip.IsLoopback() {
		return e, false
	}
	switch a[1].Protocol().Code {
	case ma.P_UDP:
		e.op = pmpUDP
	case ma.P_TCP:
		e.op = pmpTCP
	default:
		return e, false
	}
	e.port = binary.BigEndian.Uint16(a[1].RawValue())
	return e, e.port != 0
}

// pmpEntries are those of all addresses listened on, each once.
func pmpEntries(listen []ma.Multiaddr) (list []pmpEntry) {
	seen := make(map[pmpEntry]bool)
	for _, a := range listen {
		if e, ok := pmpEntryOf(a); ok && !seen[e] && len(list) < maxPMPPorts {
			seen[e] = true
			list = append(list, e)
		}
	}
	return list
}

// appendPMPMap is a request for a port: the same outside as inside, if it is free.
func appendPMPMap(e pmpEntry, lifetime time.Duration) []byte {
	b := []byte{0, e.op, 0, 0}
	b = binary.BigEndian.AppendUint16(b, e.port)
	outside := e.port
	if lifetime == 0 {
		outside = 0 // "MUST be set to zero" to delete (section 3.4)
	}
	b = binary.BigEndian.AppendUint16(b, outside)
	return binary.BigEndian.AppendUint32(b, uint32(lifetime.Seconds()))
}

// exchangePMP sends a request to the router and returns its answer to that.
func exchangePMP(ctx context.Context, router netip.Addr, request []byte) ([]byte, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp4", netip.AddrPortFrom(router, pmpPort).String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	buf := make([]byte, 64)
	for try := range pmpTries {
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		_ = conn.SetReadDeadline(time.Now().Add(pmpFirstWait << try))
		if n, err := conn.Read(buf); err == nil && n >= 2 && buf[1] == request[1]+pmpAnswer {
			return buf[:n], nil
		} else if err != nil && !isTimeout(err) {
			return nil, err // nobody listens there
		}
	}
	return nil, fmt.Errorf("%w: no answer", errPMP)
}

// parsePMPHead checks the first eight bytes of an answer to a request of a kind.
func parsePMPHead(b []byte, op byte, size int) error {
	if len(b) != size || b[0] != 0 || b[1] != op+pmpAnswer {
		return fmt.Errorf("%w: bad answer", errPMP)
	}
	if result := binary.BigEndian.Uint16(b[2:]); result != 0 {
		return fmt.Errorf("%w: result %d", errPMP, result)
	}
	return nil
}

// parsePMPAddress reads the router's public address.
func parsePMPAddress(b []byte) (netip.Addr, error) {
	if err := parsePMPHead(b, pmpAddress, 12); err != nil {
		return netip.Addr{}, err
	}
	return netip.AddrFrom4([4]byte(b[8:])), nil
}

// parsePMPMap reads which public port was given.
func parsePMPMap(b []byte, e pmpEntry) (outside uint16, err error) {
	if err := parsePMPHead(b, e.op, 16); err != nil {
		return 0, err
	}
	outside = binary.BigEndian.Uint16(b[10:])
	if binary.BigEndian.Uint16(b[8:]) != e.port || outside == 0 || binary.BigEndian.Uint32(b[12:]) == 0 {
		return 0, fmt.Errorf("%w: not what was asked for", errPMP)
	}
	return outside, nil
}
