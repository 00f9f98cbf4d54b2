package ipmc

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Times of sending (our guesses).
const (
	// burst is for how long the rate may have been saved up, minBurst in bytes at
	// least.
	burst    = 2 * time.Millisecond
	minBurst = 64 << 10
	// rateStep is how often the rate changes at most; it sinks to 0.7 of itself, down
	// to a slowest of 1/32, and rises by 1/25 of the whole.
	rateStep = 100 * time.Millisecond
	slowest  = 32
	riseBy   = 25
	// headers is what surrounds a message on the wire: Ethernet, IP, UDP, and ours.
	headers = 14 + 40 + 8 + Overhead + maxFrameHeader
)

// job is packets of one item that wait to be sent.
type job struct {
	p    *parcel
	next int
	want []bool // nil for all
}

// sender has what waits to be sent, repairs before items.
type sender struct {
	bucket  bucket
	repairs bucket
	full    float64 // the rate that is risen to
	fresh   []job
	again   []job
	bytes   int           // of fresh
	sent    uint64        // the last position of which all was sent
	changed protocol.Time // the rate
}

func newSender(rate int64) sender {
	s := sender{full: float64(rate)}
	s.bucket = newBucket(0, float64(rate), burstOf(float64(rate)))
	s.repairs = newBucket(0, float64(rate)/repairShare, burstOf(float64(rate)))
	return s
}

func burstOf(rate float64) float64 { return max(minBurst, rate*burst.Seconds()) }

// limit has the rate follow this host's budget, 0 for none.
func (s *sender) limit(now protocol.Time, budget, rate int64) {
	s.full = float64(rate)
	if budget > 0 {
		s.full = min(s.full, max(float64(budget), minRate))
	}
	s.setRate(now, min(s.bucket.rate, s.full))
}

func (s *sender) setRate(now protocol.Time, rate float64) {
	s.bucket.fill(now)
	s.bucket.rate, s.bucket.burst = rate, burstOf(rate)
	s.changed = now
}

// slower lets the rate sink: somebody's buffer overflows.
func (s *sender) slower(now protocol.Time, rate int64) {
	if now >= s.changed.Add(rateStep) {
		s.setRate(now, max(0.7*s.bucket.rate, s.full/slowest))
	}
}

// rise lets it rise again.
func (s *sender) rise(now protocol.Time) {
	if s.bucket.rate < s.full && now >= s.changed.Add(rateStep) {
		s.setRate(now, min(s.bucket.rate+s.full/riseBy, s.full))
	}
}

// due is when the next packet may be sent.
func (s *sender) due() protocol.Time {
	d := protocol.Never
	if len(s.again) > 0 {
		d = max(s.bucket.until(), s.repairs.until())
	}
	if len(s.fresh) > 0 {
		d = min(d, s.bucket.until())
	}
	return d
}

func (s *sender) enqueueRepair(j job) { s.again = append(s.again, j) }

// publish takes an item of this host's own into its stream.
func (m *Machine) publish(now protocol.Time, it *protocol.Item, out *protocol.Outbox) {
	q := &m.sending
	if len(q.fresh) >= MaxQueue || q.bytes+len(it.Bytes) > MaxQueueBytes {
		m.stats.NotSent++
		out.Note("ipmc.queue-full", "", it.ID, int64(len(q.fresh)))
		return
	}
	s := m.own
	sl, _ := s.push()
	p := cut(it, s.id, m.cfg.Self, m.epoch, s.top, m.room)
	*sl = slot{id: it.ID, proved: true}
	m.keep(s, sl, s.top, p)
	q.fresh = append(q.fresh, job{p: p})
	q.bytes += len(it.Bytes)
	m.pump(now, out)
}

// pump sends as much as the rate allows.
func (m *Machine) pump(now protocol.Time, out *protocol.Outbox) {
	q := &m.sending
	q.bucket.fill(now)
	q.repairs.fill(now)
	q.rise(now)
	for q.bucket.tokens > 0 && q.repairs.tokens > 0 && len(q.again) > 0 {
		n := m.emit(&q.again[0], out)
		q.bucket.tokens -= n
		q.repairs.tokens -= n
		if q.again[0].done() {
			q.again = shift(q.again)
		}
	}
	for q.bucket.tokens > 0 && len(q.fresh) > 0 {
		j := &q.fresh[0]
		if j.next == 0 && m.cfg.Sign != nil {
			j.p.first.Sig = m.cfg.Sign(m.toSign(signFirst, j.p.first.appendSigned(nil)))
		}
		q.bucket.tokens -= m.emit(j, out)
		if j.done() {
			q.sent = j.p.first.Seq
			q.bytes -= len(j.p.item.Bytes)
			q.fresh = shift(q.fresh)
			m.stats.Sent++
			m.beacons.sentAt(now)
		}
	}
}

// shift takes the first job out of a queue.
func shift(list []job) []job {
	list[0] = job{}
	if len(list) == 1 {
		return list[:0]
	}
	return list[1:]
}

// emit sends the next packet of a job and returns its size on the wire.
func (m *Machine) emit(j *job, out *protocol.Outbox) float64 {
	msg := j.p.packet(j.next)
	m.multicast(msg, out)
	for j.next++; j.want != nil && j.next < len(j.want) && !j.want[j.next]; j.next++ {
	}
	return float64(headers + sizeOf(msg))
}

func (j *job) done() bool { return j.next >= j.p.packets() }

// sizeOf is about how long a message is.
func sizeOf(msg protocol.Message) int {
	switch msg := msg.(type) {
	case *First:
		return 80 + len(msg.Origin) + len(msg.Hashes) + len(msg.Chunk) + len(msg.Sig)
	case *List:
		return fragmentOverhead + len(msg.Hashes)
	case *Fragment:
		return fragmentOverhead + len(msg.Chunk)
	}
	return math.MaxInt16
}
