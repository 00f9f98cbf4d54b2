package detect

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"github.com/quilt-p2p/quilt/euid"
)

// fake is a machine of the tests' own.
type fake struct {
	mu      sync.Mutex
	list    []Interface
	files   map[string]string
	path    func(Probe) (Answer, error) // nil: silence
	probes  int
	changed chan struct{} // nil: it does not tell
	lost    error         // why interfaces cannot be listed
	net     *fakeNet
}

func newFake(list ...Interface) *fake {
	return &fake{list: list, changed: make(chan struct{}, 1), net: &fakeNet{},
		files: map[string]string{resolvConf: "nameserver 22.0.0.53\n"}}
}

func (f *fake) Interfaces() ([]Interface, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Interface(nil), f.list...), f.lost
}

func (f *fake) Watch(context.Context) (<-chan struct{}, error) {
	if f.changed == nil {
		return nil, errors.New("it does not tell")
	}
	return f.changed, nil
}

func (f *fake) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text, ok := f.files[name]; ok {
		return []byte(text), nil
	}
	return nil, os.ErrNotExist
}

func (f *fake) Probe(ctx context.Context, p Probe) (Answer, error) {
	f.mu.Lock()
	f.probes++
	path := f.path
	f.mu.Unlock()
	if path != nil {
		a, err := path(p)
		if !errors.Is(err, context.DeadlineExceeded) {
			return a, err
		}
	}
	<-ctx.Done()
	return Answer{}, ctx.Err()
}

func (f *fake) Multicast(i Interface, _ euid.Family, _ int) (MulticastConn, error) {
	return f.net.join(), nil
}

func (f *fake) probed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.probes
}

func (f *fake) setPath(path func(Probe) (Answer, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = path
}

// set changes the interfaces and tells of it.
func (f *fake) set(list ...Interface) {
	f.mu.Lock()
	f.list = list
	f.mu.Unlock()
	if f.changed != nil {
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}

// fakeNet carries multicast among those who have joined.
type fakeNet struct {
	mu      sync.Mutex
	members []*fakeConn
	deaf    map[*fakeConn]bool // hear nobody
	sent    int
}

func (n *fakeNet) join() *fakeConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &fakeConn{net: n, in: make(chan []byte, 256), closed: make(chan struct{})}
	n.members = append(n.members, c)
	return c
}

type fakeConn struct {
	net    *fakeNet
	in     chan []byte
	once   sync.Once
	closed chan struct{}
}

func (c *fakeConn) Send(b []byte) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.net.sent += len(b)
	for _, m := range c.net.members {
		if c.net.deaf[m] {
			continue
		}
		select {
		case m.in <- b:
		default:
		}
	}
	return nil
}

func (c *fakeConn) Receive(b []byte) (int, error) {
	select {
	case d := <-c.in:
		return copy(b, d), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *fakeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}
