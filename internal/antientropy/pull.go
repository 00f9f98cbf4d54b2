package antientropy

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// pull is a request that is out, to one neighbour.
type pull struct {
	token    uint32
	started  protocol.Time
	deadline protocol.Time // moved on by what comes
	maxBytes int

	ranges []Range // of an owned feed: what may come
	got    []Range // what came
	share  int     // bytes that may come of each range
	tail   int     // bytes that came of the last range

	asked   []Key // of an open topic: what may come, in this order
	keys    []Key // the part of it that has not come
	sending int   // how many were to come

	items, bytes int
}

const (
	// maxPullTime bounds a pull, however steadily it drips.
	maxPullTime = 60 * time.Second
	// maxPullItems bounds what one neighbour can hold up for maxPullTime.
	maxPullItems = 1024
	// pullTarget is how long a pull should take at most, at the rate seen before:
	// a slow neighbour is asked for less.
	pullTarget = 10 * time.Second
	// minPullBytes is what even the slowest neighbour is asked for.
	minPullBytes = 16 << 10
	// guessedRate and leastRate are in bytes a second (our guesses).
	guessedRate = 64 << 10
	leastRate   = 4 << 10
	// guessedSize is an item's size in bytes before one has been seen.
	guessedSize = 1 << 10
	// busyRetry is the wait before a neighbour that was busy is asked again.
	busyRetry = 250 * time.Millisecond
)

// puller plans pulls and judges what they bring: what both kinds of topic share.
type puller struct {
	cfg   Config
	rng   *rand.Rand
	size  float64 // mean size of the items seen, in bytes
	token uint32

	// While the store takes nothing there is no use in pulling.
	storeFailures int
	pausedUntil   protocol.Time

	stats Stats
}

// Stats counts since the machine was made.
type Stats struct {
	Pulls      uint64 `json:"pulls"`
	Failed     uint64 `json:"pulls_failed"`
	Repaired   uint64 `json:"items_repaired"`
	Bytes      uint64 `json:"bytes_repaired"`
	Duplicates uint64 `json:"items_repaired_in_vain"`
	Served     uint64 `json:"pulls_served"`
	Refused    uint64 `json:"pulls_refused"`
	Sessions   uint64 `json:"reconciliations"`
}

func newPuller(cfg Config, rng *rand.Rand) puller {
	return puller{cfg: cfg, rng: rng, size: guessedSize, token: rng.Uint32()}
}

// nextToken returns a token that is not 0.
func (u *puller) nextToken() uint32 {
	u.token++
	if u.token == 0 {
		u.token++
	}
	return u.token
}

// saw takes in the size of an item.
func (u *puller) saw(it *protocol.Item) {
	u.size += (float64(len(it.Bytes)) - u.size) / 16
}

// budget returns how much to ask a neighbour for, in bytes and items: half as
// many items as would fit on average, so that the answer mostly ends with the
// last of them, which is seen at once, rather than short of it.
func (u *puller) budget(n *neighbour) (size, items int) {
	size = int(min(n.rate*pullTarget.Seconds(), float64(u.cfg.PullBytes)))
	size = max(size, min(minPullBytes, u.cfg.PullBytes))
	return size, min(max(int(float64(size)/u.size/2), 1), maxPullItems)
}

// quiet is how long nothing may come of a pull before it ends.
func (u *puller) quiet(n *neighbour) time.Duration {
	perItem := time.Duration(4 * u.size / max(n.rate, leastRate) * float64(time.Second))
	return min((n.patience()+perItem)<<min(n.failures, 6), maxPullTime)
}

// begin notes a pull that is about to be sent.
func (u *puller) begin(now protocol.Time, n *neighbour, p *pull) {
	p.token = u.nextToken()
	p.started = now
	p.deadline = now.Add(u.quiet(n))
	n.pull = p
	u.stats.Pulls++
}

// progress notes an item that a pull brought.
func (u *puller) progress(now protocol.Time, n *neighbour, it *protocol.Item) {
	p := n.pull
	p.items++
	p.bytes += len(it.Bytes)
	n.failures = 0
	p.deadline = min(now.Add(u.quiet(n)), p.started.Add(maxPullTime))
}

// finish ends a pull that brought what it could, and learns the rate.
func (u *puller) finish(now protocol.Time, n *neighbour) {
	p := n.pull
	n.pull = nil
	n.failures = 0
	if took := now.Sub(p.started).Seconds(); took > 0 && p.bytes >= minPullBytes {
		n.rate += (float64(p.bytes)/took - n.rate) / 4
		n.rate = max(n.rate, leastRate)
	}
}

// expire ends a pull at its deadline. expected is how many items it was to
// bring; half of them, or of the bytes, is good enough: messages get lost.
// Otherwise the neighbour is given a rest, longer each time.
func (u *puller) expire(now protocol.Time, n *neighbour, expected int, out *protocol.Outbox) {
	p := n.pull
	if p.items > 0 && (2*p.items >= expected || 2*p.bytes >= p.maxBytes) {
		u.finish(now, n)
		return
	}
	n.pull = nil
	u.fail(now, n, out)
}

// fail backs off from a neighbour.
func (u *puller) fail(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	n.failures++
	n.topic.source = false
	n.backoff = now.Add(jitter(backoffAfter(n.failures), u.rng))
	u.stats.Failed++
	out.Note("repair.failed", n.peer, protocol.ItemID{}, int64(n.failures))
	if n.failures >= forgetAfter {
		n.feed.runs = nil
		n.topic.wants = nil
	}
}

// storeFailed pauses all pulls, longer each time.
func (u *puller) storeFailed(now protocol.Time) {
	if now >= u.pausedUntil {
		u.storeFailures++
		u.pausedUntil = now.Add(jitter(backoffAfter(u.storeFailures), u.rng))
	}
}

// storeWorked ends the pause.
func (u *puller) storeWorked() {
	u.storeFailures = 0
	u.pausedUntil = 0
}

// mayServe reports whether a neighbour's request is to be answered with items.
func (u *puller) mayServe(now protocol.Time, n *neighbour) bool {
	if n.congested || !n.serve.take(now) {
		u.stats.Refused++
		return false
	}
	return true
}

// serveFor is how long after a request its answer is still of use.
const serveFor = 30 * time.Second
