package node

import (
	"crypto/sha256"
	"sync"

	"github.com/quilt-p2p/quilt/gossipmembership"
)

// maxCheckedRecords bounds the memory of records that were checked (our guess:
// 32 bytes each, twice).
const maxCheckedRecords = 4096

// recordChecks remembers which records were checked lately: shuffles repeat the
// same ones, and a check costs 45 us. Two generations; the older is dropped when
// the newer is full.
type recordChecks struct {
	mu         sync.Mutex
	young, old map[[32]byte]struct{}
}

// verify returns nil if the record is its peer's own.
func (c *recordChecks) verify(rec *gossipmembership.Record) error {
	sum := sha256.Sum256(rec.AppendTo(nil))
	if c.has(sum) {
		return nil
	}
	if err := rec.Verify(); err != nil {
		return err
	}
	c.add(sum)
	return nil
}

func (c *recordChecks) has(sum [32]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, young := c.young[sum]
	_, old := c.old[sum]
	return young || old
}

func (c *recordChecks) add(sum [32]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxCheckedRecords {
		c.old, c.young = c.young, make(map[[32]byte]struct{})
	}
	c.young[sum] = struct{}{}
}
