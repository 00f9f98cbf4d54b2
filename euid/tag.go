package euid

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Tag stands for a router, a resolver, a multicast segment or a provider's network
// in what is published: 1 to MaxTag, 0 for none. Equal tags may mean the same thing.
type Tag uint16

// MaxTag is the greatest tag: 12 bits, of which zero means none. Fewer would make
// strangers neighbours by chance, more would say where somebody is.
const MaxTag = 1<<12 - 1

func (t Tag) String() string {
	if t == 0 {
		return "-"
	}
	return fmt.Sprintf("%03x", uint16(t))
}

// Key keys tags. Only tags under the same key can be compared.
type Key [sha256.Size]byte

// NetworkKey returns the key of a network. The open network has the empty name, and
// everybody knows its key; the name of another can be a secret of its members.
func NetworkKey(name string) Key {
	return sha256.Sum256([]byte("quilt-euid-key:v1:" + name))
}

// What a tag is made of begins with what it is a tag of. Routers and resolvers have
// one kind: the home router that is both gets one tag, which tells 12 bits, not 24.
const (
	tagPlace   = "place"
	tagSegment = "segment"
	tagPrefix  = "prefix"
)

// tag is the tag of what the parts together name: of the SHA-256 of the key, the kind
// and the parts, each but the key after its length, the first 8 bytes modulo MaxTag,
// and 1 more. A hash that is cut off so short needs no HMAC: there is nothing to go on
// from.
func (k Key) tag(kind string, parts ...string) Tag {
	var room [128]byte
	b := appendText(append(room[:0], k[:]...), kind)
	for _, p := range parts {
		b = appendText(b, p)
	}
	sum := sha256.Sum256(b)
	return Tag(binary.BigEndian.Uint64(sum[:])%MaxTag) + 1
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Lengths of prefixes. A provider's network is a /16 or an IPv6 /32, what registries
// give out to one (our guess: coarse, for it is the last resort of who shares no
// router). A site is one address, or an IPv6 /64, for there each host has its own.
const (
	prefixBits4, prefixBits6 = 16, 32
	siteBits4, siteBits6     = 32, 64
)

// public is the prefix of a public address with the length for its family, "" for
// what is no public address.
func public(a netip.Addr, bits4, bits6 int) string {
	a = canonical(a)
	if classOfAddr(a) != ClassOrdinary {
		return ""
	}
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		panic("euid: prefix of a valid address: " + err.Error())
	}
	return p.String()
}

// prefixTag is the tag of the provider's network of a public address.
func (k Key) prefixTag(a netip.Addr) Tag {
	if p := public(a, prefixBits4, prefixBits6); p != "" {
		return k.tag(tagPrefix, p)
	}
	return 0
}
