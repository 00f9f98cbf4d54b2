package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// WithDetection finds out where this peer is, and publishes of it what package euid
// makes of it. Others then try now and then whether they can call this peer, as it
// does for them (AutoNAT v2). A peer that listens on loopback only is nowhere, and
// detects nothing. Default: off.
func WithDetection(on bool) Option {
	return func(c *config) error { c.detect = on; return nil }
}

// networkKey is the key of the tags: this is the open network.
var networkKey = euid.NetworkKey("")

// Environment is what this peer knows of where it is. It locates the peer: it is for
// whoever runs it.
type Environment struct {
	// Role is what follows of all of it.
	Role    Role
	NICs    []NICInfo
	Skipped []detect.Skipped
	// Notes say what could not be found out.
	Notes []string
}

// NICInfo is what is known of one interface.
type NICInfo struct {
	detect.Change
	// Published is what others are told of it; the zero EUID for nothing yet.
	Published euid.EUID
}

// environment is where the peer is, as it has told others.
type environment struct {
	detector *detect.Detector // nil: nothing is detected
	why      string           // for what reason

	mu    sync.Mutex
	euids []nicEUID // by NIC
	role  Role
}

type nicEUID struct {
	nic     protocol.NIC
	euid    euid.EUID
	encoded []byte // shared; not changed
	// public and mapping tell one place behind a NAT from another.
	public  [euid.NumFamilies]netip.Addr
	mapping euid.Mapping
}

// all are the EUIDs of all interfaces.
func (e *environment) all() (list []euid.EUID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.euids {
		list = append(list, n.euid)
	}
	return list
}

// setRole keeps the role and reports whether it is news.
func (e *environment) setRole(r Role) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	news := e.role != r
	e.role = r
	return news
}

func (e *environment) currentRole() Role {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.role
}

// gateway is the router by which IPv4 leaves, invalid while none is known.
func (e *environment) gateway() netip.Addr {
	e.mu.Lock()
	d := e.detector
	e.mu.Unlock()
	if d == nil {
		return netip.Addr{}
	}
	for _, c := range d.Snapshot().NICs {
		if i := c.Interface; i.Default[euid.IPv4] {
			return i.Gateway[euid.IPv4]
		}
	}
	return netip.Addr{}
}

// feed gives detection a sample; before it runs, nothing is made of it.
func (e *environment) feed(s detect.Sample) {
	e.mu.Lock()
	d := e.detector
	e.mu.Unlock()
	if d != nil {
		d.Feed(s)
	}
}

// detects reports whether there is something to detect.
func (c *config) detects() (yes bool, why string) {
	if !c.detect {
		return false, "detection is off"
	}
	for _, text := range c.listen {
		if a, err := ma.NewMultiaddr(text); err == nil && !manet.IsIPLoopback(a) {
			return true, ""
		}
	}
	return false, "the peer listens on this host only"
}

// hostOptions are those of the libp2p host that detection needs.
func (n *Node) hostOptions() []libp2p.Option {
	if yes, _ := n.cfg.detects(); yes {
		return append(n.verdicts.options(), n.cfg.libp2p...)
	}
	return n.cfg.libp2p
}

// startDetection begins to find out where the peer is; the goroutine ends when the
// node closes.
func (n *Node) startDetection() error {
	yes, why := n.cfg.detects()
	if n.env.why = why; !yes {
		return nil
	}
	h := n.links.Host()
	if err := errors.Join(n.watchVerdicts(h), n.serveCalls(h)); err != nil {
		return err
	}
	by, err := n.callers()
	if err != nil {
		return err
	}
	d, err := detect.New(detect.Config{Bus: h.EventBus(), Listening: h.Network().ListenAddresses,
		NoPunch: [euid.NumTransports]bool{euid.TCP: true}, // see links: no port is used for both
		Dialed:  n.gate.dialed, Accepted: n.gate.accepted, Judges: detect.HostJudges(h, by, n.acquaintances),
		Mapper: n.links.PortMapper(), NoMulticast: !n.cfg.mdns, System: n.cfg.system})
	if err != nil {
		return err
	}
	n.env.mu.Lock()
	n.env.detector = d
	n.env.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	n.wg.Go(func() {
		<-n.closing
		cancel()
	})
	n.wg.Go(func() {
		if err := d.Run(ctx); err != nil {
			n.log.Warn("finding out where this peer is", "error", err)
		}
	})
	n.wg.Go(func() {
		for c := range d.Changes() {
			n.moved(c)
		}
	})
	return nil
}

// moved takes in what is new of an interface: the core hears of it, and others by the
// next record, unless what is published stays the same.
func (n *Node) moved(c detect.Change) {
	encoded, news, elsewhere := n.env.change(c)
	if elsewhere {
		n.links.Moved()
	}
	if !news {
		return
	}
	n.takeRole()
	n.tell(protocol.EUIDChanged{NIC: c.NIC, EUID: encoded})
	handler{n}.AddrsChanged() // the same goroutine signs for both
}

// change keeps the EUID of an interface, and returns what to tell, if that is news, and
// whether the interface is behind another NAT than was thought.
func (e *environment) change(c detect.Change) (encoded []byte, news, elsewhere bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, known := slices.BinarySearchFunc(e.euids, c.NIC, func(a nicEUID, nic protocol.NIC) int { return int(a.nic) - int(nic) })
	if c.Gone {
		if known {
			e.euids = slices.Delete(e.euids, k, k+1)
		}
		return nil, known, known
	}
	if !known {
		e.euids = slices.Insert(e.euids, k, nicEUID{nic: c.NIC})
	}
	o := &c.Observation
	elsewhere = o.Public != e.euids[k].public || o.Mapping != e.euids[k].mapping
	e.euids[k].public, e.euids[k].mapping = o.Public, o.Mapping
	next := c.Observation.EUID(networkKey, e.euids[k].euid)
	if known && next == e.euids[k].euid {
		return nil, false, elsewhere
	}
	e.euids[k].euid, e.euids[k].encoded = next, next.Append(nil)
	return e.euids[k].encoded, true, elsewhere
}

// published are the EUIDs for the record.
func (e *environment) published() (list [][]byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.euids[:min(len(e.euids), gossipmembership.MaxEUIDs)] {
		list = append(list, n.encoded)
	}
	return list
}

// Environment returns what this peer knows of where it is.
func (n *Node) Environment() Environment {
	if n.env.detector == nil {
		return Environment{Notes: append([]string{n.env.why}, n.wayNotes()...)}
	}
	s := n.env.detector.Snapshot()
	e := Environment{Role: n.env.currentRole(), Skipped: s.Skipped, Notes: append(s.Notes, n.wayNotes()...)}
	n.env.mu.Lock()
	defer n.env.mu.Unlock()
	for _, c := range s.NICs {
		info := NICInfo{Change: c}
		for _, p := range n.env.euids {
			if p.nic == c.NIC {
				info.Published = p.euid
			}
		}
		e.NICs = append(e.NICs, info)
	}
	return e
}

// wayNotes say what gets through from here, as far as dials have shown it.
func (n *Node) wayNotes() (notes []string) {
	work, doubtful := n.links.KnownWays()
	if len(work) > 0 {
		notes = append(notes, fmt.Sprintf("links out of this network came up by %v", work))
	}
	if len(doubtful) > 0 {
		notes = append(notes, fmt.Sprintf("others were faster than %v, which are tried last for a while", doubtful))
	}
	return notes
}
