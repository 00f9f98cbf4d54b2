package feed

import (
	"errors"

	"github.com/quilt-p2p/quilt/protocol"
)

// Errors of Check.
var (
	// ErrNotOwner: somebody else published in an owned feed.
	ErrNotOwner = errors.New("author does not own this feed")
	// ErrSeqMismatch: item and entry disagree about the sequence number.
	ErrSeqMismatch = errors.New("entry and item have different sequence numbers")
)

// Check returns nil if the item keeps the rules of its topic that need no other
// item to be known: the topic has a permitted name, and in an owned feed the
// author is the owner and the data is an entry with the item's sequence number.
// It does not look at the signature; see Verify.
func Check(it *protocol.Item) error {
	owner, owned := Owner(it.TopicName)
	if !owned {
		return CheckTopicName(it.TopicName)
	}
	if it.Author != owner {
		return ErrNotOwner
	}
	e, err := ParseEntry(it.Data)
	if err != nil {
		return err
	}
	if e.Seq != it.Seq {
		return ErrSeqMismatch
	}
	return nil
}
