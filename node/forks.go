package node

import (
	"fmt"
	"sync"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxForksSeen bounds the memory of forks that were counted, per generation (our
// guess).
const maxForksSeen = 1024

// forksSeen remembers which forks were counted: the store and every reader find
// the same ones. Two generations; the older is dropped when the newer is full.
type forksSeen struct {
	mu         sync.Mutex
	young, old map[forkAt]struct{}
}

// forkAt is where a chain divides.
type forkAt struct {
	topic protocol.TopicID
	seq   uint64
}

// add reports whether the fork is new.
func (f *forksSeen) add(at forkAt) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, young := f.young[at]
	_, old := f.old[at]
	if young || old {
		return false
	}
	if f.young == nil || len(f.young) >= maxForksSeen {
		f.old, f.young = f.young, make(map[forkAt]struct{})
	}
	f.young[at] = struct{}{}
	return true
}

// noteFork counts a fork and tells of it, once.
func (n *Node) noteFork(topicName string, seq uint64, first, second protocol.ItemID) {
	id := protocol.TopicOf(topicName)
	if !n.forks.add(forkAt{id, seq}) {
		return
	}
	n.count("fork", 1)
	n.notices.send(Notice{Kind: ForkSeen, Topic: topicName, Item: first, Other: second, Seq: seq})
	n.mu.Lock()
	t := n.topics[id]
	n.mu.Unlock()
	if t != nil && t.owner != "" && n.ownAuthor(t.owner) != nil {
		n.notices.send(Notice{Kind: Warning, Topic: topicName, Text: fmt.Sprintf(
			"your own feed %s has two different entries %d: somebody else publishes with its key, or a copy of this home does, or an old backup was restored; use the key in one place only",
			topicName, seq)})
	}
}
