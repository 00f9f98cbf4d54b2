package scenario

import (
	"cmp"
	"slices"
	"time"
)

// step is something that the scenario does at a time, beside what hosts do of
// themselves.
type step struct {
	at    time.Duration
	kind  stepKind
	which int32 // a place, or of stepPublish the number of the item
}

type stepKind uint8

// The kinds, in the order of their doing at one instant.
const (
	stepIdle    stepKind = iota // measuring control traffic without items begins
	stepFlow                    // the warm-up ends: measuring what items cost begins
	stepKill                    // all victims die
	stepDie                     // the host at a place dies and is replaced: churn
	stepCut                     // the network is cut
	stepHeal                    // and whole again
	stepJoin                    // the host of a place joins
	stepPublish                 // an item is published
	stepFlowEnd                 // one interval after the last item
)

// timeline is what the scenario does, in order of time.
func (w *world) timeline(s *Scenario) []step {
	list := []step{
		{at: s.Warmup * 2 / 3, kind: stepIdle},
		{at: s.Warmup, kind: stepFlow},
		{at: s.itemAt(s.Items), kind: stepFlowEnd},
	}
	for i, place := range w.order {
		list = append(list, step{joinAt(s, i, len(w.order)), stepJoin, place})
	}
	for i, k := range stream(s.Seed, "late order").Perm(len(w.cast.late)) {
		list = append(list, step{lateAt(s, i, len(w.cast.late)), stepJoin, w.cast.late[k]})
	}
	for i := range s.Items {
		list = append(list, step{s.itemAt(i), stepPublish, int32(i)})
	}
	if s.Kill > 0 || s.KillPublishers > 0 {
		list = append(list, step{at: s.halfPast(2), kind: stepKill})
	}
	if s.Partition > 0 {
		from := s.halfPast(4)
		list = append(list, step{at: from, kind: stepCut}, step{at: from + s.PartitionFor, kind: stepHeal})
	}
	list = append(list, w.deaths(s)...)
	slices.SortStableFunc(list, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind))
	})
	return list
}

// do does one step.
func (r *run) do(st step) {
	switch st.kind {
	case stepIdle:
		r.meter.idle = r.meter.traffic(r.net)
	case stepFlow:
		r.meter.flows(r.net)
		r.phase = phasePublishing
	case stepKill:
		r.kill()
	case stepDie:
		r.replace(st.which)
	case stepCut:
		r.setCut(true)
	case stepHeal:
		r.setCut(false)
	case stepJoin:
		r.join(st.which)
		if r.phase == phaseJoining && st.which == r.world.order[len(r.world.order)-1] {
			r.phase = phaseWarming
		}
	case stepPublish:
		r.publish(int(st.which))
	case stepFlowEnd:
		r.meter.flowEnd = r.meter.traffic(r.net)
	}
}
