package optimum

import (
	"fmt"
	"slices"
	"time"
)

// none is no host.
const none = int32(-1)

// Tree is a spanning tree of an instance, or while it is built a part of one. The
// order of a host's children is that in which it sends to them.
type Tree struct {
	in       *Instance
	parent   []int32
	children [][]int32
	weight   []int64 // hosts below, itself included
	at       []int64 // ns after the publication; valid for hosts in the tree
	cost     int64   // sum of at
	// Room that calls share: what shift still has to do, and the order of children of
	// a host and its child before they swapped.
	stack, orderP, orderC []int32
}

// newTree returns a tree of the root alone.
func newTree(in *Instance) *Tree {
	t := &Tree{in: in, parent: make([]int32, in.n), children: make([][]int32, in.n),
		weight: make([]int64, in.n), at: make([]int64, in.n)}
	for i := range t.parent {
		t.parent[i] = none
		t.weight[i] = 1
	}
	return t
}

// Clone returns a copy.
func (t *Tree) Clone() *Tree {
	c := *t
	c.parent, c.weight, c.at = slices.Clone(t.parent), slices.Clone(t.weight), slices.Clone(t.at)
	c.children = make([][]int32, len(t.children))
	for i := range t.children {
		c.children[i] = slices.Clone(t.children[i])
	}
	c.stack, c.orderP, c.orderC = nil, nil, nil
	return &c
}

func (t *Tree) inside(x int32) bool { return x == t.in.root || t.parent[x] != none }

func (t *Tree) spare(p int32) bool { return int32(len(t.children[p])) < t.in.degree[p] }

// turn is which child of its parent a host is, from 1.
func (t *Tree) turn(x int32) int { return slices.Index(t.children[t.parent[x]], x) + 1 }

// above reports whether a is x or one of its ancestors, and returns the child of via
// on the way from x up, none where via is not above x.
func (t *Tree) above(a, x, via int32) (is bool, child int32) {
	child = none
	for x != none {
		if x == a {
			return true, child
		}
		if t.parent[x] == via && via != none {
			child = x
		}
		x = t.parent[x]
	}
	return false, child
}

// shift adds d to when everybody below x, itself included, gets the item.
func (t *Tree) shift(x int32, d int64) {
	if d == 0 {
		return
	}
	t.cost += d * t.weight[x]
	t.stack = append(t.stack[:0], x)
	for len(t.stack) > 0 {
		y := t.stack[len(t.stack)-1]
		t.stack = append(t.stack[:len(t.stack)-1], t.children[y]...)
		t.at[y] += d
	}
}

// carry adds w to the weight of p and all above it.
func (t *Tree) carry(p int32, w int64) {
	for ; p != none; p = t.parent[p] {
		t.weight[p] += w
	}
}

// attach makes x, the root of a part that is in no tree yet or was detached, the last
// child of p.
func (t *Tree) attach(x, p int32, fresh bool) {
	t.children[p] = append(t.children[p], x)
	t.parent[x] = p
	t.carry(p, t.weight[x])
	at := t.at[p] + t.in.hop(p, x, len(t.children[p]))
	if fresh {
		t.at[x], t.cost = at, t.cost+at
		return
	}
	t.shift(x, at-t.at[x])
}

// detach takes x from its parent. Its part keeps the times it had, and counts in the
// cost until it is attached again.
func (t *Tree) detach(x int32) {
	p := t.parent[x]
	i := t.turn(x) - 1
	t.children[p] = slices.Delete(t.children[p], i, i+1)
	t.parent[x] = none
	t.carry(p, -t.weight[x])
	if t.in.inTurn {
		for _, y := range t.children[p][i:] {
			t.shift(y, -t.in.serial[p])
		}
	}
}

// reparent makes x the last child of p.
func (t *Tree) reparent(x, p int32) {
	t.detach(x)
	t.attach(x, p, false)
}

// exchange has x and y, neither above the other, take each other's place.
func (t *Tree) exchange(x, y int32) {
	p, q := t.parent[x], t.parent[y]
	i, j := t.turn(x)-1, t.turn(y)-1
	d := t.weight[y] - t.weight[x]
	t.children[p][i], t.children[q][j] = y, x
	t.parent[x], t.parent[y] = q, p
	if p != q {
		t.carry(p, d)
		t.carry(q, -d)
	}
	t.shift(x, t.at[q]+t.in.hop(q, x, j+1)-t.at[x])
	t.shift(y, t.at[p]+t.in.hop(p, y, i+1)-t.at[y])
}

// Check says what is wrong with a tree; nil for nothing. It is for tests.
func (t *Tree) Check() error {
	seen, cost := 0, int64(0)
	var visit func(x int32) (int64, error)
	visit = func(x int32) (int64, error) {
		seen++
		cost += t.at[x]
		w := int64(1)
		if int32(len(t.children[x])) > t.in.degree[x] {
			return 0, fmt.Errorf("host %d has %d children, more than %d", x, len(t.children[x]), t.in.degree[x])
		}
		for i, c := range t.children[x] {
			if t.parent[c] != x {
				return 0, fmt.Errorf("host %d is a child of %d, but its parent is %d", c, x, t.parent[c])
			}
			if !t.in.linked(x, c) {
				return 0, fmt.Errorf("hosts %d and %d cannot be linked", x, c)
			}
			if at := t.at[x] + t.in.hop(x, c, i+1); at != t.at[c] {
				return 0, fmt.Errorf("host %d gets the item after %v, not %v", c, time.Duration(at), time.Duration(t.at[c]))
			}
			below, err := visit(c)
			if err != nil {
				return 0, err
			}
			w += below
		}
		if w != t.weight[x] {
			return 0, fmt.Errorf("below host %d are %d hosts, not %d", x, w, t.weight[x])
		}
		return w, nil
	}
	if _, err := visit(t.in.root); err != nil {
		return err
	}
	if seen != t.in.n || cost != t.cost {
		return fmt.Errorf("%d of %d hosts are in the tree, and the cost is %d, not %d", seen, t.in.n, cost, t.cost)
	}
	return nil
}
