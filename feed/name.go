package feed

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// reservedPrefix begins the names that only this project gives a meaning.
	reservedPrefix = "/quilt/"
	// namePrefix begins the name of an owned feed.
	namePrefix = reservedPrefix + "feed/"
)

// ErrTopicName is wrapped by every error of CheckTopicName.
var ErrTopicName = errors.New("bad topic name")

// TopicName returns the name of the feed that author owns: "/quilt/feed/" and the
// author's peer ID in base58, 64 bytes for an Ed25519 key.
func TopicName(author protocol.PeerID) string { return namePrefix + author.String() }

// Owner returns the author that owns the topic of the given name, and false for
// an open topic. A name counts only in the one form that TopicName writes, so a
// feed has exactly one topic.
func Owner(topicName string) (protocol.PeerID, bool) {
	text, ok := strings.CutPrefix(topicName, namePrefix)
	if !ok {
		return "", false
	}
	author, err := peer.Decode(text)
	if err != nil || TopicName(author) != topicName {
		return "", false
	}
	if _, err := authorKey(author); err != nil {
		return "", false
	}
	return author, true
}

// CheckTopicName returns nil for the name of an owned feed and for any name that
// an open topic may have: 1 to protocol.MaxTopicName bytes of UTF-8 that do not
// begin with "/quilt/". Text that is no UTF-8 would be altered by pubsub peers
// written in other languages, and the signature with it.
func CheckTopicName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrTopicName)
	case len(name) > protocol.MaxTopicName:
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrTopicName, len(name), protocol.MaxTopicName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: it is not UTF-8 text", ErrTopicName)
	case strings.HasPrefix(name, namePrefix):
		if _, ok := Owner(name); !ok {
			return fmt.Errorf("%w: what follows %q is not an author's ID", ErrTopicName, namePrefix)
		}
	case strings.HasPrefix(name, reservedPrefix):
		return fmt.Errorf("%w: names that begin with %q are reserved", ErrTopicName, reservedPrefix)
	}
	return nil
}

// authorKey returns the public key that an author's ID contains. Authors have
// Ed25519 keys: 32 bytes, contained in the ID, with signatures that nobody else
// can vary. The ID must be the one libp2p derives from the key, so that a key has
// exactly one ID.
func authorKey(author protocol.PeerID) (crypto.PubKey, error) {
	key, err := author.ExtractPublicKey()
	if err != nil || key.Type() != pb.KeyType_Ed25519 || !author.MatchesPublicKey(key) {
		return nil, ErrAuthor
	}
	return key, nil
}
