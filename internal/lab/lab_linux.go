package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// Lab is a network that was built. Its methods may be called from several
// goroutines.
type Lab struct {
	network Network
	claim   *claim
	wan     *wan
	carrier *carrier
	sites   []*site
	hosts   map[string]*Host
	order   []*Host  // in the order of the description
	names   sync.Map // what resolvers know: the []netip.Addr of a host by its name

	mu     sync.Mutex // of what changes: addresses, kinds, numbers
	next   int        // the next site number
	closed bool
	serve  sync.WaitGroup // resolvers and the parent
	closer []func()
	parent chan func()   // see spawn
	quit   chan struct{} // closed by Close once nothing is to be started any more
}

// Options say how to build. The zero value will do.
type Options struct {
	// Log is told what peers print, a line at a time; nil: nobody.
	Log func(host, line string)
}

// Missing says why no lab can be built here, nil if one can.
func Missing() error {
	if os.Geteuid() != 0 {
		return errors.New("lab: network namespaces need root")
	}
	for _, p := range [][2]string{{"ip", "iproute2"}, {"tc", "iproute2"}, {"nft", "nftables"}, {"mount", "mount"}, {"sh", "a shell"}} {
		if _, err := exec.LookPath(p[0]); err != nil {
			return fmt.Errorf("lab: %w: install %s", err, p[1])
		}
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("lab: no TUN interfaces: %w", err)
	}
	return nil
}

// Open builds a network. It first removes what labs left whose processes were
// killed. Nothing of it is seen from the machine's own network, and nothing of
// the machine's from it.
func Open(n Network, o Options) (*Lab, error) {
	if err := Missing(); err != nil {
		return nil, err
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	c, err := newClaim()
	if err != nil {
		return nil, err
	}
	l := &Lab{network: n, claim: c, wan: newWAN(&n), hosts: make(map[string]*Host), next: len(n.Sites) + 1,
		parent: make(chan func()), quit: make(chan struct{})}
	l.serve.Go(l.beParent)
	l.wan.lookup = l.lookup
	if l.carrier, err = newCarrier(l.wan); err == nil {
		err = l.build(o)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) build(o Options) error {
	if err := os.MkdirAll(l.claim.dir(), 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for i := range l.network.Sites {
		s := &site{lab: l, index: i, number: i + 1, Site: l.network.Sites[i]}
		s.ns = l.claim.namespace("site", s.Name)
		l.sites = append(l.sites, s)
		for slot, name := range s.Hosts {
			h := l.hosts[name]
			if h == nil {
				h = &Host{lab: l, name: name, log: o.Log, ns: l.claim.namespace("host", name), dir: filepath.Join(l.claim.dir(), name)}
				l.hosts[name] = h
				l.order = append(l.order, h)
			}
			n := &nic{host: h, site: s, name: fmt.Sprintf("eth%d", len(h.nics)), slot: slot, last: firstHost + slot}
			s.nics = append(s.nics, n)
			h.nics = append(h.nics, n)
		}
	}
	if err := l.makeNamespaces(); err != nil {
		return err
	}
	for _, s := range l.sites {
		if err := s.build(); err != nil {
			return fmt.Errorf("building site %s: %w", s.Name, err)
		}
	}
	for _, h := range l.order {
		if err := h.build(); err != nil {
			return fmt.Errorf("building host %s: %w", h.name, err)
		}
	}
	l.carrier.run()
	return nil
}

// makeNamespaces makes all of them in one go.
func (l *Lab) makeNamespaces() error {
	var lines []byte
	for _, s := range l.sites {
		lines = fmt.Appendf(lines, "netns add %s\n", s.ns)
	}
	for _, h := range l.order {
		lines = fmt.Appendf(lines, "netns add %s\n", h.ns)
	}
	return pipe(string(lines), "ip", "-batch", "-")
}

// Close kills every peer and removes everything. It may be called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	closers := l.closer
	l.mu.Unlock()
	if closed {
		return nil
	}
	close(l.quit)
	for _, h := range l.hosts {
		h.killPeer()
	}
	if l.carrier != nil {
		l.carrier.close()
	}
	for _, f := range closers {
		f()
	}
	l.serve.Wait()
	return l.claim.release()
}

// Dir is where the lab keeps its files, until Close.
func (l *Lab) Dir() string { return l.claim.dir() }

// Host returns the host of that name. It panics if there is none: that is a
// mistake in the program.
func (l *Lab) Host(name string) *Host {
	h := l.hosts[name]
	if h == nil {
		panic("lab: no host is called " + name)
	}
	return h
}

// Hosts returns all hosts, in the order of the description.
func (l *Lab) Hosts() []*Host { return slices.Clone(l.order) }

// site returns a site; it panics as Host does.
func (l *Lab) site(name string) *site {
	i := slices.IndexFunc(l.sites, func(s *site) bool { return s.Name == name })
	if i < 0 {
		panic("lab: no site is called " + name)
	}
	return l.sites[i]
}

// Router returns the addresses of a router of a path or link, or of a resolver
// on the way.
func (l *Lab) Router(name string) (v4, v6 netip.Addr) {
	l.wan.mu.Lock()
	defer l.wan.mu.Unlock()
	h := l.wan.hops.byName[name]
	if h == nil {
		panic("lab: no router is called " + name)
	}
	return h.v4, h.v6
}

// lookup gives the lab's resolvers the addresses of a host, as others see them. It
// takes no lock, for the wan asks with its own, which is the inner one.
func (l *Lab) lookup(name string) []netip.Addr {
	addrs, _ := l.names.Load(name)
	list, _ := addrs.([]netip.Addr)
	return list
}

// beParent is the thread that peers are started from. They are killed when the
// thread ends that started them, which for any other may be soon: one that has
// been in a namespace ends with its goroutine.
func (l *Lab) beParent() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case f := <-l.parent:
			f()
		case <-l.quit:
			return
		}
	}
}

// spawn starts a program that is killed when this process ends.
func (l *Lab) spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	select {
	case l.parent <- func() { done <- cmd.Start() }:
		return <-done
	case <-l.quit:
		return errors.New("the lab is closed")
	}
}

// later has f called by Close.
func (l *Lab) later(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closer = append(l.closer, f)
}
