// Package gossip does two things at a time.
package gossip

import (
	"sync"        // want `imports sync`
	"sync/atomic" // want `imports sync/atomic`
)

var (
	mu    sync.Mutex
	count atomic.Int64
)

func all(in chan int, out chan<- int) { // want `uses a channel`
	go mu.Lock() // want `starts a goroutine`
	select {     // want `uses select`
	case v := <-in: // want `receives from a channel`
		out <- v // want `sends on a channel`
	default:
		count.Add(1)
	}
}

var _ = all
