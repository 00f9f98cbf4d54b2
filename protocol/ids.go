package protocol

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/libp2p/go-libp2p/core/peer"
)

// PeerID names a host or an author: libp2p's peer ID, the multihash of a public
// key. An author's key is not its host's key, so one person has at least two.
type PeerID = peer.ID

// KeyOf is the end of a peer's ID, eight bytes, where IDs differ most: hashes of public
// keys or such keys, so that to find two that end alike takes some 2^32 of them, and one
// that ends as a given one 2^64. An ID that its owner has not proved, as by a link, ends as
// whoever names it likes.
func KeyOf(p PeerID) (key uint64) {
	for i := max(0, len(p)-8); i < len(p); i++ {
		key = key<<8 | uint64(p[i])
	}
	return key
}

// MaxPeerIDLen bounds an encoded PeerID in bytes: Ed25519 IDs have 38,
// SHA-256 ones (RSA, ECDSA) 34; 64 leaves room (our guess).
const MaxPeerIDLen = 64

// TopicID names a topic on the wire: the first 16 bytes of the SHA-256 of the
// topic's name. 128 bits: no one can grind a second name for an ID. The zero
// TopicID addresses the host itself.
type TopicID [16]byte

// MaxTopicName bounds a topic's name in bytes (our guess).
const MaxTopicName = 256

// TopicOf returns the ID of the topic with the given name.
func TopicOf(name string) TopicID {
	sum := sha256.Sum256([]byte("quilt-topic:" + name))
	return TopicID(sum[:16])
}

// IsZero reports whether t addresses the host rather than a topic.
func (t TopicID) IsZero() bool { return t == TopicID{} }

// String returns the first 8 hexadecimal digits, enough for a person's eye.
func (t TopicID) String() string { return hex.EncodeToString(t[:4]) }

// ItemID is the SHA-256 of the bytes an item's author signed. Signature and
// public key are not part of it, so they cannot be altered to make a second ID.
type ItemID [32]byte

// String returns the first 12 hexadecimal digits, enough for a person's eye.
func (id ItemID) String() string { return hex.EncodeToString(id[:6]) }

// Full returns all 64 hexadecimal digits.
func (id ItemID) Full() string { return hex.EncodeToString(id[:]) }

// ObjectID numbers a protocol instance within a topic (or, with the zero
// TopicID, within the host). The numbers below are fixed; instances that
// patches create get numbers from FirstPatchObject on.
type ObjectID uint32

// The fixed objects.
const (
	// ObjectHost is the host itself (zero TopicID): heartbeats, finding members.
	ObjectHost ObjectID = 0
	// ObjectView keeps the active view of a group: of a topic, or with the zero
	// TopicID of all hosts.
	ObjectView ObjectID = 1
	// ObjectGossip is the eager and lazy push over gossip links.
	ObjectGossip ObjectID = 2
	// ObjectRepair is anti-entropy over gossip links.
	ObjectRepair ObjectID = 3
	// ObjectReceipts asks who has stored an item, and answers.
	ObjectReceipts ObjectID = 4
	// ObjectLarge fetches and serves what is larger than an item.
	ObjectLarge ObjectID = 5
	// FirstPatchObject is the first number free for protocol objects of patches.
	FirstPatchObject ObjectID = 16
)

// NIC numbers a network interface within one process; 0 means unspecified.
type NIC uint16
