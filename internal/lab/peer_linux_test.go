package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeVar marks a process that stands for quilt-peer: it calls the TCP address in
// it, if that is one, then says that it has started.
const fakeVar = "QUILT_TEST_LAB_PEER"

func fakePeer() {
	if to := os.Getenv(fakeVar); strings.Contains(to, ":") {
		conn, err := net.Dial("tcp", to)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprint(conn, "hello")
	} else if to == "mute" {
		select {}
	} else if to == "broken" {
		fmt.Fprintln(os.Stderr, "the reason")
		os.Exit(1)
	}
	fmt.Println(`{"type":"started","id":"me","ticket":"quilt1"}`)
	fmt.Println(strings.Join(os.Args[1:], " "))
	select {}
}

func fake(how string) PeerConfig {
	return PeerConfig{Program: os.Args[0], Args: []string{"--one"}, Env: []string{fakeVar + "=" + how}}
}

// TestGone: who is connected to a process that is killed hears of it from its
// kernel; of a host without power nobody hears anything.
func TestGone(t *testing.T) {
	l := small(t, pair)
	y := l.Host("y1").Addrs()[0]
	var ln net.Listener
	err := l.Host("y1").Do(func() (err error) {
		ln, err = net.Listen("tcp", y.String()+":80")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var mu sync.Mutex
	leaves := 0 // TCP packets with FIN or RST from x
	l.Watch(func(p Passage) {
		if ip, ok := parsePacket(p.Packet); ok && p.From == "x" && ip.proto == protoTCP && ip.body[13]&5 != 0 {
			mu.Lock()
			defer mu.Unlock()
			leaves++
		}
	})
	h := l.Host("x1")
	start := func() net.Conn {
		t.Helper()
		if _, err := h.Start(t.Context(), fake(ln.Addr().String())); err != nil {
			t.Fatal(err)
		}
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "hello" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		return conn
	}
	conn := start()
	h.Peer().Kill()
	_ = conn.SetReadDeadline(time.Now().Add(hang))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after a kill: %v", err)
	}
	conn.Close()
	mu.Lock()
	leaves = 0
	mu.Unlock()

	conn = start()
	defer conn.Close()
	if err := h.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if h.Peer() != nil {
		t.Error("a peer runs without power")
	}
	// What follows on the way from that site has come: so would have a farewell.
	open(t, l, "x2", 7).ask("later", open(t, l, "y2", 7))
	mu.Lock()
	defer mu.Unlock()
	if leaves != 0 {
		t.Errorf("a host without power took leave with %d packets", leaves)
	}
}

// TestStart: what is told of a peer, and of one that does not start.
func TestStart(t *testing.T) {
	n, err := Parse(strings.NewReader(pair))
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10)
	l := Stage(t, n, Options{Log: func(host, line string) { lines <- host + ": " + line }})
	h := l.Host("x1")
	p, err := h.Start(t.Context(), fake("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "me" || p.Ticket != "quilt1" || h.Peer() != p {
		t.Errorf("started %+v", p)
	}
	if got, want := <-lines, "x1: --home "+p.Home+" --json run --one"; got != want {
		t.Errorf("it was started with %q, want %q", got, want)
	}
	if _, err := h.Start(t.Context(), fake("plain")); err == nil {
		t.Error("two peers run on one host")
	}
	// A thread that has been in a namespace ends; no peer may end with it.
	for range 50 {
		if err := l.Host("y1").Do(func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if h.Peer() != p {
		t.Error("the peer has ended by itself")
	}
	p.Kill()
	if h.Peer() != nil {
		t.Error("the peer runs on")
	}
	if _, err := h.Start(t.Context(), fake("broken")); err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("a broken peer: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := h.Start(ctx, fake("mute")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a mute peer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.Start(t.Context(), fake("plain")); err == nil {
		t.Error("a peer started in a lab that is closed")
	}
}
