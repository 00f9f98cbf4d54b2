package scenario

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// afterKill is how long after the kill an item counts as published right after it.
const afterKill = 10 * time.Second

// recovery fills in what follows the kill. Its survivors were there when it came, and
// are there at the end.
func (r *run) recovery(res *Result) {
	if r.killAt == protocol.Never {
		return
	}
	m := r.meter
	var survivors []int32
	for h := range m.place {
		if m.survived(int32(h)) && m.born[h] <= r.killAt {
			survivors = append(survivors, int32(h))
		}
	}
	first, soon := m.firstAfter(r.killAt, survivors), sample{}
	for i := range m.items {
		it := &m.items[i]
		if it.at <= r.killAt || it.at > r.killAt.Add(afterKill) {
			continue
		}
		for _, h := range survivors {
			if after, ok := it.got(h); ok {
				soon.add(after)
			}
		}
	}
	res.FirstAfterKill, res.LatencyAfterKill = first.tail(seconds), soon.tail(milliseconds)
	if d, ok := m.recovered(r.killAt, survivors); ok {
		s := round(d.Seconds(), 6)
		res.Recovery = &s
	}
}

// merge is how long after the end of a partition every survivor that was there had all
// that was published before; nil where some never got all.
func (r *run) merge() *float64 {
	if r.healAt == protocol.Never {
		return nil
	}
	m, last := r.meter, r.healAt
	for i := range m.items {
		it := &m.items[i]
		if it.at > r.healAt || m.vanished(it) {
			continue
		}
		for h := range m.place {
			if !m.survived(int32(h)) || m.born[h] > r.healAt || int32(h) == it.author {
				continue
			}
			after, ok := it.got(int32(h))
			if !ok {
				return nil
			}
			last = max(last, it.at.Add(time.Duration(after)*time.Microsecond))
		}
	}
	s := round(last.Sub(r.healAt).Seconds(), 6)
	return &s
}

// firstAfter is, of each survivor that got any, how long after the kill it got the
// first of the items that were published after the kill.
func (m *meter) firstAfter(kill protocol.Time, survivors []int32) (s sample) {
	for _, h := range survivors {
		first := protocol.Never
		for i := range m.items {
			it := &m.items[i]
			if after, ok := it.got(h); ok && it.at > kill {
				first = min(first, it.at.Add(time.Duration(after)*time.Microsecond))
			}
		}
		if first != protocol.Never {
			s.add(int32(min(first.Sub(kill)/time.Microsecond, longest)))
		}
	}
	return s
}

// recovered is the smallest time such that every item published later than that
// after the kill reached every survivor in at most twice the greatest latency before
// the kill. That is the greatest over all honest hosts, those that died too, of what
// was delivered before the kill. It is not ok without such a delivery, without an
// item after the kill, and where the very last item was late.
func (m *meter) recovered(kill protocol.Time, survivors []int32) (after time.Duration, ok bool) {
	greatest := m.greatestBefore(kill)
	if greatest < 0 {
		return 0, false
	}
	for i := range m.items {
		it := &m.items[i]
		if it.at <= kill {
			continue
		}
		ok = true
		for _, h := range survivors {
			if got, came := it.got(h); h != it.author && (!came || int64(got) > 2*int64(greatest)) {
				after, ok = it.at.Sub(kill), false
				break
			}
		}
	}
	return after, ok
}

// greatestBefore is the greatest latency in µs of what was delivered before the kill
// to honest hosts that were there when it was published, -1 for nothing.
func (m *meter) greatestBefore(kill protocol.Time) int32 {
	greatest := int32(-1)
	for i := range m.items {
		it := &m.items[i]
		if it.at > kill {
			break
		}
		for h, after := range it.after {
			if after == never || m.adversary[h] || m.born[h] > it.at {
				continue
			}
			if it.at.Add(time.Duration(after)*time.Microsecond) < kill {
				greatest = max(greatest, after)
			}
		}
	}
	return greatest
}
