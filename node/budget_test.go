package node

import (
	"testing"
	"time"
)

// TestBudget: who wants more than there is waits until it is given back, or the
// budget closed.
func TestBudget(t *testing.T) {
	b := newBudget(100)
	if !b.take(60) {
		t.Fatal("60 of 100 refused")
	}
	got := make(chan bool)
	go func() { got <- b.take(60) }()
	select {
	case <-got:
		t.Fatal("120 of 100 granted")
	case <-time.After(20 * time.Millisecond):
	}
	b.give(60)
	if !<-got {
		t.Fatal("refused though there was room")
	}
	go func() { got <- b.take(60) }()
	b.close()
	if <-got {
		t.Fatal("granted after close")
	}
}
