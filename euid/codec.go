package euid

import (
	"encoding/binary"
	"errors"

	"github.com/quilt-p2p/quilt/protocol"
)

// version is that of the encoding. One that is not known is not an error of the peer
// that sent it: it says nothing to this version.
const version = 1

// MaxLen is how many bytes an encoded EUID has at most; records allow ten times that.
const MaxLen = 1 + 2 + 1 + 2 + 1 + 2*MaxHops + 2*3 + 2

// Errors of the encoding.
var (
	// ErrVersion: the EUID is of a later version.
	ErrVersion = errors.New("EUID has an unknown version")
	// ErrInvalid: a value is none that there is.
	ErrInvalid = errors.New("EUID is invalid")
)

// Append appends the encoded EUID to b. It panics on an EUID that Parse would refuse.
//
//	version:1
//	reach:2             udp4, tcp4, udp6, tcp6: 4 bits each
//	nat:1               mapping, filtering: 4 bits each
//	resolver:2          class: 4 bits, tag: 12 bits
//	hops:1, 2 each      as the resolver; the last is known
//	segment:2 prefix4:2 prefix6:2
//	performance:2       RTT, up, down, loss: 4 bits each
func (e EUID) Append(b []byte) []byte {
	if err := e.check(); err != nil {
		panic("euid: " + err.Error())
	}
	b = append(b, version)
	r := &e.Reach
	b = appendNibbles(b, uint8(r[IPv4][UDP]), uint8(r[IPv4][TCP]), uint8(r[IPv6][UDP]), uint8(r[IPv6][TCP]),
		uint8(e.Mapping), uint8(e.Filtering))
	b = appendPlace(b, e.Resolver)
	n := e.path()
	b = append(b, byte(n))
	for _, p := range e.Hops[:n] {
		b = appendPlace(b, p)
	}
	for _, t := range [...]Tag{e.Segment, e.Prefix[IPv4], e.Prefix[IPv6]} {
		b = binary.BigEndian.AppendUint16(b, uint16(t))
	}
	return appendNibbles(b, uint8(e.RTT), uint8(e.Up), uint8(e.Down), uint8(e.Loss))
}

// appendNibbles appends an even number of values of 4 bits.
func appendNibbles(b []byte, values ...uint8) []byte {
	for i := 0; i < len(values); i += 2 {
		b = append(b, values[i]<<4|values[i+1])
	}
	return b
}

func appendPlace(b []byte, p Place) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(p.Class)<<12|uint16(p.Tag))
}

// Parse reads an EUID that fills b. It accepts exactly what Append writes. Errors:
// ErrVersion, ErrInvalid, and those of protocol for bytes that are missing or left
// over.
func Parse(b []byte) (EUID, error) {
	r := protocol.NewReader(b)
	var e EUID
	if v := r.Byte(); r.Err() == nil && v != version {
		return EUID{}, ErrVersion
	}
	for f := range NumFamilies {
		udp, tcp := readNibbles(r)
		e.Reach[f] = [NumTransports]Direction{UDP: Direction(udp), TCP: Direction(tcp)}
	}
	mapping, filtering := readNibbles(r)
	e.Mapping, e.Filtering = Mapping(mapping), Filtering(filtering)
	e.Resolver = readPlace(r)
	n := int(r.Byte())
	if n > MaxHops {
		r.Fail()
		n = 0
	}
	for i := range n {
		e.Hops[i] = readPlace(r)
	}
	for _, t := range [...]*Tag{&e.Segment, &e.Prefix[IPv4], &e.Prefix[IPv6]} {
		*t = Tag(readUint16(r))
	}
	rtt, up := readNibbles(r)
	down, loss := readNibbles(r)
	e.RTT, e.Up, e.Down, e.Loss = Range(rtt), Range(up), Range(down), Range(loss)
	if n != e.path() {
		r.Fail() // the same EUID has a shorter encoding
	}
	if err := r.Done(); err != nil {
		return EUID{}, err
	}
	if err := e.check(); err != nil {
		return EUID{}, err
	}
	return e, nil
}

func readNibbles(r *protocol.Reader) (high, low uint8) {
	c := r.Byte()
	return c >> 4, c & 15
}

func readUint16(r *protocol.Reader) uint16 {
	if b := r.Fixed(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func readPlace(r *protocol.Reader) Place {
	v := readUint16(r)
	return Place{Class(v >> 12), Tag(v & MaxTag)}
}
