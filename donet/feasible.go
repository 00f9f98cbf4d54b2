package donet

// A parent must be feasible: it has told a later beat than this peer has told anybody, or
// in the same beat a lesser lag than the least that this peer has told. Then there is never
// a cycle, whatever is old or lost (as with the distances of DSDV and Babel; Perkins and
// Bhagwat, SIGCOMM 1994): along parents the pair of beat and least lag gets strictly
// better, what a parent told before binds it too, and nobody can be better than itself. A
// peer without children is nobody's ancestor, and free. The paths that peers tell are for
// what others told before they knew.

// mayFollow reports whether the one that told s is feasible as a parent.
func (st *stream) mayFollow(s *Stand) bool {
	return len(st.children) == 0 || s.Beat > st.feasibleBeat || s.Beat == st.feasibleBeat && s.Lag < st.feasible
}

// settle notes down where this peer stands before it tells others.
func (st *stream) settle() {
	if st.beat != st.feasibleBeat {
		st.feasibleBeat, st.feasible = st.beat, st.lag
	}
	st.feasible = min(st.feasible, st.lag)
}
