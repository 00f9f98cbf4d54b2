package lab

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestRate: what a host sends and gets is no faster than its cable; another's is.
func TestRate(t *testing.T) {
	const rate, size = 8_000_000, 1 << 20
	l := small(t, "site x lan hosts=x1,x2 rate=8M\nsite y lan hosts=y1\nlink default delay=1ms")
	transfer := func(from, to string) time.Duration {
		t.Helper()
		at := netip.AddrPortFrom(l.Host(to).Addrs()[0], 80).String()
		var ln net.Listener
		err := l.Host(to).Do(func() (err error) { ln, err = net.Listen("tcp", at); return err })
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		var conn net.Conn
		if err := l.Host(from).Do(func() (err error) { conn, err = net.Dial("tcp", at); return err }); err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin := time.Now()
		go func() { _, _ = conn.Write(make([]byte, size)) }()
		far, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		_ = far.SetReadDeadline(time.Now().Add(hang))
		if _, err := io.CopyN(io.Discard, far, size); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	// Ten milliseconds' worth passes at once.
	least := time.Duration(float64(size*8)/rate*float64(time.Second)) - 20*time.Millisecond
	for _, way := range [][2]string{{"x1", "y1"}, {"y1", "x1"}, {"x1", "x2"}} {
		took := transfer(way[0], way[1])
		t.Logf("%d bytes from %s to %s at %d bit/s took %v", size, way[0], way[1], rate, took)
		if took < least {
			t.Errorf("from %s to %s it took %v, which is faster than the cable's %v", way[0], way[1], took, least)
		}
	}
}
