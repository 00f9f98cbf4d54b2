package omni

import "time"

// bar is what keeps the tree free of cycles at every moment, whatever is lost or comes
// late, without asking anybody further up. It is the feasibility condition of DUAL
// (Garcia-Luna-Aceves, 1993) in the form of Babel (RFC 8966, section 3.5.1): "an update
// is feasible when either the router has no feasible distance, or the update's seqno is
// newer, or equal and its metric is strictly smaller than the feasible distance".
//
// The bar of a peer is the best position, a later epoch or the same with a lesser root
// latency, that it has ever told anybody. A parent must stand before the bar. What a
// peer told is no better than its own bar, so bars strictly grow along every way down,
// and no way comes back to where it began. The root begins a new epoch every two
// seconds, which lifts the bars.
type bar struct {
	epoch uint64
	lat   time.Duration
}

// reset lets everybody be a parent: of one who has told nothing yet.
func (b *bar) reset() { *b = bar{0, maxLatency + time.Second} }

// admits reports whether one who told that it stands there may be a parent.
func (b *bar) admits(epoch uint64, lat time.Duration) bool {
	return epoch > b.epoch || epoch == b.epoch && lat < b.lat
}

// told notes that this peer has told somebody where it stands.
func (b *bar) told(epoch uint64, lat time.Duration) {
	if b.admits(epoch, lat) {
		*b = bar{epoch, lat}
	}
}
