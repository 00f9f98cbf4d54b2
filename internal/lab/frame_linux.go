package lab

import "net/netip"

// Addresses returns the addresses in an Ethernet frame that [Lab.Capture] gives, and the
// number of the protocol above IP; zero values for what is not IP.
func Addresses(frame []byte) (src, dst netip.Addr, protocol int) {
	p, ok := parseFrame(frame)
	if !ok {
		return src, dst, 0
	}
	return p.src, p.dst, p.proto
}

// Port returns the destination port of the UDP or TCP packet in such a frame, 0 for
// another.
func Port(frame []byte) uint16 {
	p, ok := parseFrame(frame)
	if !ok {
		return 0
	}
	_, port, _ := p.ports()
	return port
}
