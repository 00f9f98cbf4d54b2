package lab

import (
	"encoding/binary"
	"net/netip"
)

// Numbers of RFC 791, 792, 4443 and 8200.
const (
	protoICMP, protoTCP, protoUDP, protoICMP6 = 1, 6, 17, 58

	icmpEchoReply, icmpUnreachable, icmpEcho, icmpExceeded = 0, 3, 8, 11
	icmp6Unreachable, icmp6Exceeded, icmp6Echo, icmp6Reply = 1, 3, 128, 129

	codePort, code6Port = 3, 4

	// Parts of a packet that are quoted in an error about it: RFC 1812 4.3.2.3
	// (the error is at most 576 bytes), RFC 4443 2.4 (at most 1280).
	quote4, quote6 = 576 - 28, 1280 - 48
)

// packet is an IP packet with what its header says. IPv6 extension headers are
// not followed: nothing in a lab sends them but MLD, which never leaves a LAN.
type packet struct {
	raw      []byte
	four     bool
	src, dst netip.Addr
	ttl      int
	proto    int
	body     []byte // behind the IP header
	fragment bool   // not the first one: body begins somewhere
}

// parsePacket reads the header. It reports false for what is no IP packet.
func parsePacket(raw []byte) (p packet, ok bool) {
	if len(raw) == 0 {
		return p, false
	}
	p.raw = raw
	switch raw[0] >> 4 {
	case 4:
		head := int(raw[0]&15) * 4
		if head < 20 || len(raw) < head || int(binary.BigEndian.Uint16(raw[2:])) != len(raw) {
			return p, false
		}
		p.four = true
		p.src, p.dst = netip.AddrFrom4([4]byte(raw[12:16])), netip.AddrFrom4([4]byte(raw[16:20]))
		p.ttl, p.proto, p.body = int(raw[8]), int(raw[9]), raw[head:]
		p.fragment = binary.BigEndian.Uint16(raw[6:])&0x1fff != 0
		return p, true
	case 6:
		if len(raw) < 40 || int(binary.BigEndian.Uint16(raw[4:]))+40 != len(raw) {
			return p, false
		}
		p.src, p.dst = netip.AddrFrom16([16]byte(raw[8:24])), netip.AddrFrom16([16]byte(raw[24:40]))
		p.ttl, p.proto, p.body = int(raw[7]), int(raw[6]), raw[40:]
		return p, true
	}
	return p, false
}

// age takes n from the packet's time to live, which must be more.
func (p *packet) age(n int) {
	p.ttl -= n
	if !p.four {
		p.raw[7] = byte(p.ttl)
		return
	}
	p.raw[8] = byte(p.ttl)
	head := p.raw[:len(p.raw)-len(p.body)]
	head[10], head[11] = 0, 0
	binary.BigEndian.PutUint16(head[10:], ^sum(head, 0))
}

// icmpError says whether the packet is an error about another, or might be: none
// is sent about such a one (RFC 1122 3.2.2).
func (p *packet) icmpError() bool {
	switch {
	case p.fragment:
		return true
	case p.four && p.proto == protoICMP:
		return len(p.body) < 1 || p.body[0] != icmpEcho && p.body[0] != icmpEchoReply
	case !p.four && p.proto == protoICMP6:
		return len(p.body) < 1 || p.body[0] < 128
	}
	return false
}

// ports returns the ports of a UDP or TCP packet.
func (p *packet) ports() (src, dst uint16, ok bool) {
	if p.proto != protoUDP && p.proto != protoTCP || p.fragment || len(p.body) < 8 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(p.body), binary.BigEndian.Uint16(p.body[2:]), true
}

// exceeded is what the router at the address says of a packet that lived too long.
func (p *packet) exceeded(at netip.Addr, ttl int) []byte {
	if p.four {
		return p.icmp(at, ttl, icmpExceeded, 0, p.quote())
	}
	return p.icmp(at, ttl, icmp6Exceeded, 0, p.quote())
}

// noPort is what a host without a listener says.
func (p *packet) noPort(ttl int) []byte {
	if p.four {
		return p.icmp(p.dst, ttl, icmpUnreachable, codePort, p.quote())
	}
	return p.icmp(p.dst, ttl, icmp6Unreachable, code6Port, p.quote())
}

// quote returns four bytes unused and the beginning of the packet.
func (p *packet) quote() []byte {
	limit := quote6
	if p.four {
		limit = quote4
	}
	return append(make([]byte, 4), p.raw[:min(len(p.raw), limit)]...)
}

// echo answers a ping, or returns nil if the packet is none.
func (p *packet) echo(ttl int) []byte {
	switch {
	case p.fragment || len(p.body) < 8:
		return nil
	case p.four && p.proto == protoICMP && p.body[0] == icmpEcho:
		return p.icmp(p.dst, ttl, icmpEchoReply, 0, p.body[4:])
	case !p.four && p.proto == protoICMP6 && p.body[0] == icmp6Echo:
		return p.icmp(p.dst, ttl, icmp6Reply, 0, p.body[4:])
	}
	return nil
}

// icmp makes an ICMP packet to the sender of p; rest is what follows the checksum.
func (p *packet) icmp(from netip.Addr, ttl, kind, code int, rest []byte) []byte {
	proto := protoICMP6
	if p.four {
		proto = protoICMP
	}
	body := append([]byte{byte(kind), byte(code), 0, 0}, rest...)
	seed := uint32(0)
	if !p.four {
		seed = pseudo(from, p.src, proto, len(body))
	}
	binary.BigEndian.PutUint16(body[2:], ^sum(body, seed))
	return ipPacket(from, p.src, ttl, proto, body)
}

// reply makes a UDP packet that answers p.
func (p *packet) reply(ttl int, payload []byte) []byte {
	body := make([]byte, 8, 8+len(payload))
	copy(body, p.body[2:4]) // its destination port is our source
	copy(body[2:], p.body[:2])
	binary.BigEndian.PutUint16(body[4:], uint16(8+len(payload)))
	body = append(body, payload...)
	check := ^sum(body, pseudo(p.dst, p.src, protoUDP, len(body)))
	if check == 0 {
		check = 0xffff // RFC 768: zero means none
	}
	binary.BigEndian.PutUint16(body[6:], check)
	return ipPacket(p.dst, p.src, ttl, protoUDP, body)
}

// ipPacket puts a header before a body.
func ipPacket(src, dst netip.Addr, ttl, proto int, body []byte) []byte {
	if src.Is4() {
		head := make([]byte, 20, 20+len(body))
		head[0] = 0x45
		binary.BigEndian.PutUint16(head[2:], uint16(20+len(body)))
		head[8], head[9] = byte(ttl), byte(proto)
		copy(head[12:], src.AsSlice())
		copy(head[16:], dst.AsSlice())
		binary.BigEndian.PutUint16(head[10:], ^sum(head, 0))
		return append(head, body...)
	}
	head := make([]byte, 40, 40+len(body))
	head[0] = 0x60
	binary.BigEndian.PutUint16(head[4:], uint16(len(body)))
	head[6], head[7] = byte(proto), byte(ttl)
	copy(head[8:], src.AsSlice())
	copy(head[24:], dst.AsSlice())
	return append(head, body...)
}

// pseudo sums the pseudo-header of UDP and ICMPv6 (RFC 768, RFC 8200 8.1).
func pseudo(src, dst netip.Addr, proto, length int) uint32 {
	n := uint32(proto) + uint32(length)
	for _, b := range [][]byte{src.AsSlice(), dst.AsSlice()} {
		for i := 0; i < len(b); i += 2 {
			n += uint32(b[i])<<8 | uint32(b[i+1])
		}
	}
	return n
}

// sum is the ones' complement sum of RFC 1071, not yet inverted.
func sum(b []byte, n uint32) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		n += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		n += uint32(b[0]) << 8
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}
