package feed

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxData bounds an item's data in bytes: protocol.MaxItemSize less room for
// author, sequence number, topic, signature and key.
const MaxData = protocol.MaxItemSize - 1<<10

// An entry with the greatest payload fits into an item.
const _ = uint(MaxData - maxHeader - MaxPayload)

// Errors of Sign and Verify.
var (
	// ErrAuthor: the author's ID does not contain an Ed25519 key, or the item
	// names another key.
	ErrAuthor = errors.New("author is not an Ed25519 key")
	// ErrSignature: the item is not signed, or not by its author.
	ErrSignature = errors.New("signature does not match")
	// ErrTooLarge: there is more data than an item can hold.
	ErrTooLarge = errors.New("data is too large for one item")
)

// Sign makes an item of an open topic or of an owned feed: a pubsub message in
// StrictSign format, which every stock pubsub peer can verify. The key must be
// Ed25519; data is at most MaxData bytes. For entries use SignEntry.
func Sign(key crypto.PrivKey, topicName string, seq uint64, data []byte) (*protocol.Item, error) {
	if key.Type() != pb.KeyType_Ed25519 {
		return nil, ErrAuthor
	}
	if err := CheckTopicName(topicName); err != nil {
		return nil, err
	}
	if len(data) > MaxData {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, len(data), MaxData)
	}
	author, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("deriving the author's ID: %w", err)
	}
	it := protocol.NewItem(topicName, author, seq, data)
	sig, err := key.Sign(it.SignedBytes())
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return it.WithSignature(sig, nil), nil
}

// SignEntry makes the item of an entry, for the feed that the key owns.
func SignEntry(key crypto.PrivKey, e *Entry) (*protocol.Item, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	author, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("deriving the author's ID: %w", err)
	}
	data := e.AppendTo(make([]byte, 0, maxHeader+len(e.Payload)))
	return Sign(key, TopicName(author), e.Seq, data)
}

// NextOpenSeq returns the sequence number of an author's next item in an open
// topic: the wall clock in nanoseconds since 1970, made greater than last, the
// greatest that the author has used there (0 for none).
func NextOpenSeq(last uint64, wallNanos int64) uint64 {
	return max(last+1, uint64(max(wallNanos, 0)))
}

// Verify returns nil if the item is signed by its author. What it accepts every
// pubsub peer accepts, but not the reverse: the author's key must be Ed25519, and
// the optional key field in its one canonical form, because neither is covered by
// the signature and a relay could stuff them.
func Verify(it *protocol.Item) error {
	key, err := authorKey(it.Author)
	if err != nil {
		return err
	}
	if it.Key != nil {
		canonical, err := crypto.MarshalPublicKey(key)
		if err != nil || !bytes.Equal(canonical, it.Key) {
			return ErrAuthor
		}
	}
	ok, err := key.Verify(it.SignedBytes(), it.Signature)
	if err != nil || !ok {
		return ErrSignature
	}
	return nil
}
