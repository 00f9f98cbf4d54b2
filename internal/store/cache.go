package store

import (
	"container/list"
	"sync"

	"github.com/quilt-p2p/quilt/protocol"
)

// cache keeps the items used last, within a bound in bytes.
type cache struct {
	mu    sync.Mutex
	bound int64
	bytes int64
	order *list.List // of *protocol.Item, the one used last in front
	byID  map[protocol.ItemID]*list.Element
}

func newCache(bound int64) *cache {
	return &cache{bound: bound, order: list.New(), byID: make(map[protocol.ItemID]*list.Element)}
}

// cost is what an item is charged: its bytes and about what holds them.
func cost(it *protocol.Item) int64 { return int64(len(it.Bytes)) + ItemOverhead }

func (c *cache) get(id protocol.ItemID) *protocol.Item {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[id]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*protocol.Item)
}

func (c *cache) add(it *protocol.Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cost(it) > c.bound || c.byID[it.ID] != nil {
		return
	}
	c.byID[it.ID] = c.order.PushFront(it)
	c.bytes += cost(it)
	for c.bytes > c.bound {
		c.drop(c.order.Back())
	}
}

func (c *cache) remove(id protocol.ItemID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		c.drop(e)
	}
}

func (c *cache) drop(e *list.Element) {
	it := c.order.Remove(e).(*protocol.Item)
	delete(c.byID, it.ID)
	c.bytes -= cost(it)
}
