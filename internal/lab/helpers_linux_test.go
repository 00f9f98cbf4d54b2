package lab

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// hang is the limit of every wait: generous, for it asserts nothing.
const hang = time.Minute

// seven builds the network of testdata/seven.lab.
func seven(t *testing.T) *Lab {
	t.Helper()
	n, err := Load("testdata/seven.lab")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	l := Stage(t, n, Options{})
	t.Logf("%d namespaces built in %v", len(l.sites)+len(l.hosts), time.Since(begin).Round(time.Millisecond))
	return l
}

// small builds a network from text.
func small(t *testing.T, text string) *Lab {
	t.Helper()
	n, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return Stage(t, n, Options{})
}

// socket is a UDP socket of a host.
type socket struct {
	*net.UDPConn
	t    *testing.T
	host *Host
	port uint16
}

// open opens a UDP socket on all addresses of a host.
func open(t *testing.T, l *Lab, host string, port uint16) *socket {
	t.Helper()
	s := &socket{t: t, host: l.Host(host), port: port}
	var err error
	if s.UDPConn, err = s.host.ListenUDP(netip.AddrPortFrom(netip.IPv6Unspecified(), port).String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// addr is where others on the socket's LAN reach it.
func (s *socket) addr() netip.AddrPort { return netip.AddrPortFrom(s.host.Addrs()[0], s.port) }

// public is where others see a host's port if its NAT keeps it.
func (s *socket) public() netip.AddrPort { return netip.AddrPortFrom(s.host.Public()[0], s.port) }

func (s *socket) send(text string, to netip.AddrPort) {
	s.t.Helper()
	if _, err := s.WriteToUDPAddrPort([]byte(text), to); err != nil {
		s.t.Fatalf("%s sends to %v: %v", s.host.name, to, err)
	}
}

// get waits for the next packet and returns whom it is from.
func (s *socket) get(want string) netip.AddrPort {
	s.t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(hang)); err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 2000)
	n, from, err := s.ReadFromUDPAddrPort(buf)
	if err != nil {
		s.t.Fatalf("%s waits for %q: %v", s.host.name, want, err)
	}
	if got := string(buf[:n]); got != want {
		s.t.Fatalf("%s got %q from %v where %q was due", s.host.name, got, from, want)
	}
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// ask sends a packet and returns the source that the other sees.
func (s *socket) ask(text string, to *socket) netip.AddrPort {
	s.t.Helper()
	s.send(text, to.addr())
	return to.get(text)
}

// await waits until f says yes.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for begin := time.Now(); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatalf("%s: not after %v", what, hang)
		}
	}
}
