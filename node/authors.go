package node

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// author is a key that signs items: never the host's.
type author struct {
	key crypto.PrivKey
	id  protocol.PeerID

	mu   sync.Mutex
	last uint64 // the last sequence number used in open topics
}

// loadAuthor reads or makes an author's key.
func loadAuthor(path string) (*author, error) {
	key, id, err := loadIdentity(path)
	if err != nil {
		return nil, err
	}
	return &author{key: key, id: id}, nil
}

// loadIdentity reads or makes a key and derives its ID.
func loadIdentity(path string) (crypto.PrivKey, protocol.PeerID, error) {
	key, err := loadKey(path)
	if err != nil {
		return nil, "", err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, "", fmt.Errorf("key file %s: %w", path, err)
	}
	return key, id, nil
}

// next returns the next sequence number for open topics: the wall clock in
// nanoseconds, and always more than the last one.
func (a *author) next(now time.Time) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = feed.NextOpenSeq(a.last, now.UnixNano())
	return a.last
}

// used notes a number of an earlier run: the clock may have been set back since.
func (a *author) used(seq uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = max(a.last, seq)
}
