// Package store is no pure package: it may do all of it.
package store

import (
	"fmt"
	"os"
	"sync"
	"time"
)

var mu sync.Mutex

func all(m map[string]int) {
	for k := range m {
		go fmt.Println(k, time.Now(), os.Args)
	}
	mu.Lock()
}

var _ = all
