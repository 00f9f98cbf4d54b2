package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
)

// askPMP sends a NAT-PMP request from a host to its router and returns the answer.
func askPMP(t *testing.T, h *Host, request []byte) []byte {
	t.Helper()
	conn, err := h.ListenUDP("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	router := net.UDPAddrFromAddrPort(netip.AddrPortFrom(private4(1), pmpPort))
	if _, err := conn.WriteTo(request, router); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 64)
	n, _, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// mapRequest asks for a public port that leads to the same one here, for a time in
// seconds.
func mapRequest(op byte, port uint16, lifetime uint32) []byte {
	b := []byte{0, op, 0, 0}
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, port)
	return binary.BigEndian.AppendUint32(b, lifetime)
}

// TestPortMap: a host gets a port from its router, by which anybody reaches it; another
// host does not get the same one; when it is given back nobody does any more.
func TestPortMap(t *testing.T) {
	l := small(t, "site h cone hosts=h1,h2 portmap=yes\nsite x lan hosts=x1")
	h, x := open(t, l, "h1", 7), open(t, l, "x1", 7)
	outside := l.Host("h1").Public()[0]
	answer := askPMP(t, l.Host("h1"), []byte{0, pmpAddress})
	if len(answer) != 12 || answer[1] != pmpAddress+pmpAnswer || netip.AddrFrom4([4]byte(answer[8:])) != outside {
		t.Fatalf("the router says of its address % x, want that it is %v", answer, outside)
	}
	if a := askPMP(t, l.Host("h1"), mapRequest(pmpUDP, 7, 60)); len(a) != 16 || a[1] != pmpUDP+pmpAnswer || a[3] != 0 {
		t.Fatalf("asked for a port it answers % x", a)
	}
	at := netip.AddrPortFrom(outside, 7)
	x.send("uninvited", at)
	if from := h.get("uninvited"); from != x.public() {
		t.Errorf("the caller is seen as %v, want %v", from, x.public())
	}
	h.send("answer", x.public())
	if from := x.get("answer"); from != at {
		t.Errorf("the answer comes from %v, want %v", from, at)
	}
	if a := askPMP(t, l.Host("h2"), mapRequest(pmpUDP, 7, 60)); a[3] != pmpNoRoom {
		t.Errorf("another host's request for the port is answered % x", a)
	}
	if a := askPMP(t, l.Host("h1"), mapRequest(pmpUDP, 7, 0)); a[3] != 0 {
		t.Errorf("asked to take it back it answers % x", a)
	}
	l.mu.Lock() // the router's goroutine changes it
	n := len(l.site("h").mapped)
	l.mu.Unlock()
	if n != 0 {
		t.Errorf("%d mappings left", n)
	}
	if a := askPMP(t, l.Host("h1"), []byte{0, 77}); len(a) < 4 || a[3] != pmpBadOp {
		t.Errorf("nonsense is answered % x", a)
	}
}
