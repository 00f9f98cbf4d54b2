package gossipmembership

import "github.com/quilt-p2p/quilt/protocol"

// missing is how many neighbours of this peer's choice the view lacks. Those that
// are suspected count as lacking: by the time they are known to be dead, items
// would have waited for ten seconds; if they speak again, rotation and relief
// bring the view back to its size.
func (v *View) missing() int {
	all, inbound := v.speaking()
	return max(v.cfg.TargetOutbound-(all-inbound), v.cfg.MinActive-all, 0)
}

// mayFill reports whether one more member may be asked to fill the view.
func (v *View) mayFill() bool {
	asking := 0
	for i := range v.asks {
		if v.asks[i].why == toFill {
			asking++
		}
	}
	all, _ := v.speaking()
	return asking < min(v.missing(), maxFillAsks) && v.room(all, 0)
}

// fill asks members to become neighbours while the view is short of them. Every
// other time those to which this host holds a link it has dialled come first, for
// they cost nothing and are no stranger's choice; not always, or groups that share
// links would fall into the same islands. Then those that fail least.
func (v *View) fill(now protocol.Time, out *protocol.Outbox) {
	for v.mayFill() && v.paced() <= now {
		linkedFirst := v.rng.IntN(2) == 0
		i := v.choose(len(v.passive), func(i int) int {
			m := &v.passive[i]
			switch {
			case !v.ready(m) || m.retryAt > now:
				return never
			case linkedFirst && v.dialled(m.peer):
				return 1
			}
			return -m.failures
		})
		if i < 0 {
			return
		}
		v.ask(now, v.passive[i].peer, toFill, out)
	}
}

// paced is from when on a member may be asked to fill the view.
func (v *View) paced() protocol.Time {
	all, _ := v.speaking()
	return v.pace.next(all)
}

// fillAt is when a member can be asked that cannot be asked now.
func (v *View) fillAt() protocol.Time {
	at := protocol.Never
	if !v.mayFill() {
		return at
	}
	for i := range v.passive {
		if m := &v.passive[i]; v.ready(m) {
			at = min(at, m.retryAt)
		}
	}
	return max(at, v.paced())
}

// ready reports whether a member can be asked, back-off aside: it is not being
// asked, and there is no link on which it keeps silent.
func (v *View) ready(m *member) bool {
	l, linked := v.links.get(m.peer)
	return v.askIndex(m.peer) < 0 && !(linked && l.suspected)
}

// hurry forgets back-offs when the last neighbour is gone or silent: alone, any
// member will do.
func (v *View) hurry(now protocol.Time) {
	if all, _ := v.speaking(); all > 0 {
		return
	}
	for i := range v.passive {
		m := &v.passive[i]
		m.retryAt = min(m.retryAt, now.Add(v.jitter(minRetry)))
	}
	v.recontactAt = min(v.recontactAt, now.Add(v.jitter(v.aloneRecontactEvery())))
}

// never is the score of what choose must not choose.
const never = -1 << 30

// choose returns the index below n with the greatest score, a random one of those
// that share it; -1 where all score never.
func (v *View) choose(n int, score func(i int) int) int {
	best, bestScore, ties := -1, never, 0
	for i := range n {
		switch s := score(i); {
		case s == never || s < bestScore:
		case s > bestScore:
			best, bestScore, ties = i, s, 1
		default:
			ties++
			if v.rng.IntN(ties) == 0 {
				best = i
			}
		}
	}
	return best
}
