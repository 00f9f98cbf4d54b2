package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// portMapping is a public port of a site's router that leads to a host.
type portMapping struct {
	proto string // "udp" or "tcp"
	port  uint16
	to    netip.AddrPort
}

// maxPortMappings bounds those of one router (our guess: what cheap ones have).
const maxPortMappings = 64

// NAT-PMP (RFC 6886): requests of 2 or 12 bytes, answers of 12 or 16.
const (
	pmpPort     = 5351
	pmpAddress  = 0
	pmpUDP      = 1
	pmpTCP      = 2
	pmpAnswer   = 128 // added to the request's opcode
	pmpNoRoom   = 4   // result "out of resources"
	pmpBadOp    = 5   // result "unsupported opcode"
	pmpLifetime = 3600
)

// mapPorts lets hosts ask the router for ports by NAT-PMP, until the lab is closed.
func (s *site) mapPorts() error {
	var conn net.PacketConn
	err := s.ns.do(func() (err error) {
		conn, err = net.ListenPacket("udp4", fmt.Sprintf(":%d", pmpPort))
		return err
	})
	if err != nil {
		return fmt.Errorf("lab: port mapping: %w", err)
	}
	begin := time.Now()
	s.lab.later(func() { conn.Close() })
	s.lab.serve.Go(func() {
		buf := make([]byte, 64)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				if isClosed(err) {
					return
				}
				continue
			}
			if answer := s.answerPMP(buf[:n], from, time.Since(begin)); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	})
	return nil
}

// answerPMP does what a request asks for and returns the answer, nil for none.
func (s *site) answerPMP(request []byte, from net.Addr, up time.Duration) []byte {
	host, err := netip.ParseAddrPort(from.String())
	if err != nil || len(request) < 2 || request[0] != 0 || request[1] >= pmpAnswer {
		return nil
	}
	op, result := request[1], uint16(0)
	head := func() []byte {
		b := []byte{0, op + pmpAnswer}
		b = binary.BigEndian.AppendUint16(b, result)
		return binary.BigEndian.AppendUint32(b, uint32(up.Seconds()))
	}
	switch {
	case op == pmpAddress:
		s.lab.mu.Lock()
		addr := public4(s.number, 1).As4()
		s.lab.mu.Unlock()
		return append(head(), addr[:]...)
	case op != pmpUDP && op != pmpTCP || len(request) < 12:
		result = pmpBadOp
		return head()
	}
	inside := binary.BigEndian.Uint16(request[4:])
	outside := binary.BigEndian.Uint16(request[6:])
	lifetime := binary.BigEndian.Uint32(request[8:])
	m := portMapping{proto: []string{pmpUDP: "udp", pmpTCP: "tcp"}[op], port: outside, to: netip.AddrPortFrom(host.Addr().Unmap(), inside)}
	if m.port == 0 {
		m.port = inside
	}
	if !s.setMapping(m, lifetime > 0) {
		result = pmpNoRoom
	}
	b := binary.BigEndian.AppendUint16(head(), inside)
	b = binary.BigEndian.AppendUint16(b, m.port)
	return binary.BigEndian.AppendUint32(b, min(lifetime, pmpLifetime))
}

// setMapping adds or removes a mapping of a host's port; another's is left alone. Those
// of hosts that forget to ask again stay.
func (s *site) setMapping(m portMapping, on bool) bool {
	s.lab.mu.Lock()
	defer s.lab.mu.Unlock()
	i := slices.IndexFunc(s.mapped, func(o portMapping) bool { return o.proto == m.proto && o.port == m.port })
	switch {
	case i >= 0 && s.mapped[i].to.Addr() != m.to.Addr(), i < 0 && len(s.mapped) == maxPortMappings:
		return false
	case i >= 0 && on && s.mapped[i] == m, i < 0 && !on:
		return true
	case i >= 0:
		s.mapped = slices.Delete(s.mapped, i, i+1)
	}
	if on {
		s.mapped = append(s.mapped, m)
	}
	return s.ns.nft(s.rules()) == nil
}

// mappingRules is the part of the site's packet filter for mapped ports.
func (s *site) mappingRules(b *strings.Builder) {
	if len(s.mapped) == 0 {
		return
	}
	b.WriteString(" chain pre {\n  type nat hook prerouting priority dstnat;\n")
	for _, m := range s.mapped {
		fmt.Fprintf(b, "  iifname wan0 %s dport %d dnat to %s\n", m.proto, m.port, m.to)
	}
	b.WriteString(" }\n")
}
