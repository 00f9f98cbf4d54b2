package core

import "github.com/quilt-p2p/quilt/protocol"

// recentWindow is how many IDs one generation of the duplicate window holds; two
// generations are kept (our guess: minutes at 100 items a second). Behind the
// window stands the store, which forgets nothing: a check asks it first.
const recentWindow = 8192

// seen is the window of items accepted lately, two generations of IDs: when the
// newer is full the older is dropped. It never calls new what it holds, and what
// it has dropped the store still knows.
type seen struct {
	young, old map[protocol.ItemID]struct{}
}

func newSeen() seen {
	return seen{young: make(map[protocol.ItemID]struct{}), old: nil}
}

// has reports whether the item is in the window.
func (s *seen) has(id protocol.ItemID) bool {
	if _, ok := s.young[id]; ok {
		return true
	}
	_, ok := s.old[id]
	return ok
}

// add puts an item into the window.
func (s *seen) add(id protocol.ItemID) {
	if len(s.young) >= recentWindow {
		s.old, s.young = s.young, make(map[protocol.ItemID]struct{}, recentWindow)
	}
	s.young[id] = struct{}{}
}

// remove takes an item out of the window: it could not be stored.
func (s *seen) remove(id protocol.ItemID) {
	delete(s.young, id)
	delete(s.old, id)
}
