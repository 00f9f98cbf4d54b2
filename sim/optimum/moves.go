package optimum

// reparentGain is by how much the cost changes if x becomes the last child of q; ok is
// false where that cannot be.
func (t *Tree) reparentGain(x, q int32) (d int64, ok bool) {
	p := t.parent[x]
	if q == p || !t.spare(q) || !t.in.linked(q, x) {
		return 0, false
	}
	loop, via := t.above(x, q, p)
	if loop {
		return 0, false
	}
	at := t.at[q]
	if t.in.inTurn {
		for _, y := range t.children[p][t.turn(x):] { // they move up
			d -= t.in.serial[p] * t.weight[y]
			if y == via {
				at -= t.in.serial[p]
			}
		}
	}
	return d + t.weight[x]*(at+t.in.hop(q, x, len(t.children[q])+1)-t.at[x]), true
}

// exchangeGain is by how much the cost changes if x and y take each other's place.
func (t *Tree) exchangeGain(x, y int32) (d int64, ok bool) {
	p, q := t.parent[x], t.parent[y]
	if x == y || p == none || q == none || !t.in.linked(q, x) || !t.in.linked(p, y) {
		return 0, false
	}
	if up, _ := t.above(x, y, none); up {
		return 0, false
	}
	if up, _ := t.above(y, x, none); up {
		return 0, false
	}
	i, j := 1, 1
	if t.in.inTurn {
		i, j = t.turn(x), t.turn(y)
	}
	return t.weight[x]*(t.at[q]+t.in.hop(q, x, j)-t.at[x]) + t.weight[y]*(t.at[p]+t.in.hop(p, y, i)-t.at[y]), true
}

// swapWithParent has c take its parent's place and the parent become its child; where
// c overflows it hands the parent the child z. It reports false, and changes nothing,
// where that cannot be.
func (t *Tree) swapWithParent(c, z int32) bool {
	p := t.parent[c]
	if p == none || p == t.in.root {
		return false
	}
	g := t.parent[p]
	if !t.in.linked(g, c) || z == none && !t.spare(c) || z != none && (t.parent[z] != c || !t.in.linked(p, z)) {
		return false
	}
	t.orderP = append(t.orderP[:0], t.children[p]...)
	t.orderC = append(t.orderC[:0], t.children[c]...)
	i := t.turn(p) - 1
	t.detach(c)
	if z != none {
		t.detach(z)
		t.attach(z, p, false)
	}
	// c takes the slot of p.
	t.carry(g, t.weight[c]-t.weight[p])
	t.children[g][i] = c
	t.parent[c], t.parent[p] = g, none
	t.shift(c, t.at[g]+t.in.hop(g, c, i+1)-t.at[c])
	t.attach(p, c, false)
	return true
}

// unswap takes the last swapWithParent, of c and z under p, back.
func (t *Tree) unswap(p, c, z int32) {
	wasP, wasC := t.orderP, t.orderC
	t.orderP, t.orderC = nil, nil // swapWithParent is to keep others
	if z != none {
		t.detach(z)
	}
	t.swapWithParent(p, none)
	if z != none {
		t.attach(z, c, false)
	}
	t.orderP, t.orderC = wasP, wasC
	t.reorder(p, wasP)
	t.reorder(c, wasC)
}

// reorder has p send to its children in another order.
func (t *Tree) reorder(p int32, order []int32) {
	copy(t.children[p], order)
	for i, x := range order {
		t.shift(x, t.at[p]+t.in.hop(p, x, i+1)-t.at[x])
	}
}
