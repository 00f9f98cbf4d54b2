package node

import (
	"maps"
	"slices"
	"sync"
)

// maxCounters bounds the names that are counted; events' names are constants of
// the program, so it is never reached but by mistake.
const maxCounters = 512

// Counter is a named count.
type Counter struct {
	Name  string
	Count uint64
}

// counters counts what happens, by name.
type counters struct {
	mu sync.Mutex
	by map[string]uint64
}

// count adds to a counter.
func (n *Node) count(name string, by uint64) {
	c := &n.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = make(map[string]uint64)
	}
	if _, ok := c.by[name]; ok || len(c.by) < maxCounters {
		c.by[name] += by
	}
}

// Counters returns what was counted, by name: what was refused begins with
// "refused.", what the core did with the name of its part.
func (n *Node) Counters() []Counter {
	c := &n.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Counter, 0, len(c.by))
	for _, name := range slices.Sorted(maps.Keys(c.by)) {
		list = append(list, Counter{name, c.by[name]})
	}
	return list
}
