// Package vivaldi has network coordinates: points in a space in which distances foretell
// round trips, learnt from round trips that are measured anyway. It is Vivaldi (Dabek,
// Cox, Kaashoek, Morris: "Vivaldi: A Decentralized Network Coordinate System", SIGCOMM
// 2004), in three dimensions and a height. It is pure: what is random is given.
package vivaldi

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Coordinate is a point of the space, as it travels. Units of 1/16 ms.
type Coordinate struct {
	// Height is the delay of the access link, not negative: it is on every way.
	X, Y, Z, Height int16
	// Err is how far the owner trusts it: 255 for not at all, in 1/256 of the distance.
	Err uint8
}

const (
	// Grain is the unit of a Coordinate per millisecond.
	Grain = 16
	// Size is a Coordinate's on the wire in bytes.
	Size = 9
)

// Distance is the round trip that two coordinates foretell.
func Distance(a, b Coordinate) time.Duration {
	x, y, z := float64(a.X)-float64(b.X), float64(a.Y)-float64(b.Y), float64(a.Z)-float64(b.Z)
	d := math.Sqrt(x*x+y*y+z*z) + float64(a.Height) + float64(b.Height)
	return time.Duration(d / Grain * float64(time.Millisecond))
}

// AppendTo appends the coordinate as it travels.
func (c Coordinate) AppendTo(b []byte) []byte {
	for _, v := range [...]int16{c.X, c.Y, c.Z, c.Height} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return append(b, c.Err)
}

// Read reads a coordinate. A height below 0 is malformed.
func Read(r *protocol.Reader) (c Coordinate) {
	b := r.Fixed(Size)
	if b == nil {
		return c
	}
	at := func(i int) int16 { return int16(binary.BigEndian.Uint16(b[2*i:])) }
	c = Coordinate{at(0), at(1), at(2), at(3), b[8]}
	if c.Height < 0 {
		r.Fail()
	}
	return c
}
