package scenario

import (
	"time"

	"github.com/quilt-p2p/quilt/large"
)

// bytesOfItem is what a direct send of an item puts on the line: its frame, or all its
// pieces.
func (r *run) bytesOfItem() int {
	if r.s.isLarge() {
		return r.s.Size
	}
	return r.meter.frame
}

// large fills in what is told of items that travel in pieces.
func (r *run) large(res *Result) {
	if !r.s.isLarge() {
		return
	}
	m := r.meter
	l, err := large.NewLayout(int64(r.s.Size), large.SegmentFor(int64(r.s.Size)))
	if err != nil {
		panic("scenario: " + err.Error())
	}
	out := &Large{Pieces: l.Pieces()}
	if m.deliveries > 0 {
		res.Copies = round(float64(m.pieces)/float64(r.s.Size)/float64(m.deliveries), 6)
	}
	sent := m.traffic(r.net).Payload - m.flow.Payload
	res.Sends = round(float64(sent)/float64(r.s.Size)/float64(len(m.items)), 6)
	res.CrossLocation = nil
	out.UpMean, out.UpMax = r.uploads()
	out.OneCopy, out.Slowest = r.oneCopy()
	if all, ok := r.lastOfAll(); ok {
		s := round(all.Seconds(), 6)
		ratio := round(s/out.OneCopy, 6)
		out.All, out.Ratio = &s, &ratio
	}
	res.Large = out
}

// oneCopy is how long the slowest of the links that must carry an item takes for it,
// and the slowest of all, in seconds.
func (r *run) oneCopy() (must, all float64) {
	slowest, any := 0.0, 0.0 // in Mbit/s
	take := func(slow *float64, mbps float64) {
		if *slow == 0 || mbps < *slow {
			*slow = mbps
		}
	}
	hosts := r.world.topo.Hosts
	for _, p := range r.world.publishers {
		take(&slowest, hosts[p].Up)
	}
	for h, place := range r.meter.place {
		if r.meter.survived(int32(h)) {
			take(&slowest, hosts[place].Down)
			take(&any, hosts[place].Up)
		}
	}
	any = min(any, slowest)
	bits := float64(r.s.Size) * 8 / 1e6
	return round(bits/slowest, 6), round(bits/any, 6)
}

// lastOfAll is the longest that an item took to the last survivor that was there when
// it was published; not ok where one has not got all.
func (r *run) lastOfAll() (last time.Duration, ok bool) {
	m := r.meter
	for i := range m.items {
		it := &m.items[i]
		for h := range m.place {
			if !m.survived(int32(h)) || m.born[h] > it.at || it.author == int32(h) {
				continue
			}
			after, got := it.got(int32(h))
			if !got {
				return 0, false
			}
			last = max(last, time.Duration(after)*time.Microsecond)
		}
	}
	return last, last > 0
}

// uploads is what honest hosts have sent since items began to flow, of all kinds, over
// the bytes of all items: the mean, and the most.
func (r *run) uploads() (mean, most float64) {
	m := r.meter
	n := 0
	for h, host := range r.net.Hosts() {
		if m.adversary[h] {
			continue
		}
		sent := host.Sent.Bytes
		if h < len(m.sent) {
			sent -= m.sent[h].Bytes
		}
		share := float64(sent) / float64(r.s.Size) / float64(len(m.items))
		mean += share
		most = max(most, share)
		n++
	}
	return round(mean/float64(max(1, n)), 6), round(most, 6)
}

// continuity is the share of what survivors were to get that they got in time.
func (r *run) continuity(res *Result) {
	if r.s.Deadline == 0 {
		return
	}
	m := r.meter
	expected, inTime := 0, 0
	for i := range m.items {
		it := &m.items[i]
		for h := range m.place {
			if !m.survived(int32(h)) || m.born[h] > it.at || it.author == int32(h) {
				continue
			}
			expected++
			if after, ok := it.got(int32(h)); ok && time.Duration(after)*time.Microsecond <= r.s.Deadline {
				inTime++
			}
		}
	}
	share := 1.0
	if expected > 0 {
		share = float64(inTime) / float64(expected) // not rounded: a single pair must show
	}
	res.Continuity = &share
}
