package lab

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// BenchmarkThroughput is how much TCP the way between two sites carries: what peers
// do must stay well below, or the lab itself is measured.
func BenchmarkThroughput(b *testing.B) {
	n, err := Parse(strings.NewReader("site x lan hosts=x1\nsite y lan hosts=y1\nlink default delay=1ms hops=r,r,r"))
	if err != nil {
		b.Fatal(err)
	}
	l := Stage(b, n, Options{})
	to := netip.AddrPortFrom(l.Host("y1").Addrs()[0], 80).String()
	var ln net.Listener
	err = l.Host("y1").Do(func() (err error) {
		ln, err = net.Listen("tcp", to)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			_, err = io.CopyN(io.Discard, conn, int64(b.N)<<20)
			conn.Close()
		}
		done <- err
	}()
	var conn net.Conn
	err = l.Host("x1").Do(func() (err error) {
		conn, err = net.Dial("tcp", to)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	b.SetBytes(1 << 20)
	b.ResetTimer()
	chunk := make([]byte, 1<<20)
	for range b.N {
		if _, err := conn.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen is how long it takes to build the network of testdata/seven.lab, 23
// namespaces, and to remove it.
func BenchmarkOpen(b *testing.B) {
	Require(b)
	n, err := Load("testdata/seven.lab")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, err := Open(n, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
