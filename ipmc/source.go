package ipmc

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// What checks of signatures are made of first fragments and beacons, beside those of
// items: a tenth of a core or so under a flood (our measurement: 50 to 100 µs each).
// They are shared out by the address that packets came from: who floods from his own
// uses up his own share.
const (
	checkRate       = 1000 // a second
	checkBurst      = 500
	checkSourceRate = 500
	checkSourceMax  = 300
)

// bucket is a token bucket.
type bucket struct {
	rate, burst, tokens float64
	at                  protocol.Time
}

func newBucket(now protocol.Time, rate, burst float64) bucket {
	return bucket{rate: rate, burst: burst, tokens: burst, at: now}
}

// fill adds what has come meanwhile.
func (b *bucket) fill(now protocol.Time) {
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
	b.at = now
}

// take takes one token if there is one.
func (b *bucket) take(now protocol.Time) bool {
	if b.fill(now); b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// until is when there will be more than none.
func (b *bucket) until() protocol.Time {
	if b.tokens > 0 {
		return b.at
	}
	return b.at.Add(time.Duration(math.Ceil((-b.tokens + 1) / b.rate * float64(time.Second))))
}

// source is an address that packets come from, claimed as it is.
type source struct {
	nic      protocol.NIC
	addr     netip.Addr
	last     protocol.Time
	checks   bucket
	unlisted []loose // oldest first
	handed   int     // items handed up and not yet judged
	strict   protocol.Time
}

// loose is a fragment that nothing lists yet.
type loose struct {
	stream, seq uint64
	msg         protocol.Message
}

// sources are the addresses heard of late, in order.
type sources struct{ list []*source }

func compareSources(s *source, o protocol.Origin) int {
	return cmp.Or(cmp.Compare(s.nic, o.NIC), s.addr.Compare(o.Addr))
}

// of returns the source of a packet. Where MaxSources are known, the one silent
// longest makes room; what it has handed up is still counted where it was.
func (t *sources) of(now protocol.Time, o protocol.Origin) *source {
	i, ok := slices.BinarySearchFunc(t.list, o, compareSources)
	if ok {
		t.list[i].last = now
		return t.list[i]
	}
	if len(t.list) == MaxSources {
		oldest := 0
		for k, s := range t.list {
			if s.last < t.list[oldest].last {
				oldest = k
			}
		}
		t.list = slices.Delete(t.list, oldest, oldest+1)
		if oldest < i {
			i--
		}
	}
	s := &source{nic: o.NIC, addr: o.Addr, last: now, checks: newBucket(now, checkSourceRate, checkSourceMax)}
	t.list = slices.Insert(t.list, i, s)
	return s
}

// keep keeps a fragment that nothing lists; beyond MaxUnlisted the oldest goes.
func (s *source) keep(l loose) {
	if len(s.unlisted) == MaxUnlisted {
		s.unlisted = slices.Delete(s.unlisted, 0, 1)
	}
	s.unlisted = append(s.unlisted, l)
}

// keeps reports whether there are fragments of one position.
func (t *sources) keeps(stream, seq uint64) bool {
	for _, s := range t.list {
		for _, l := range s.unlisted {
			if l.stream == stream && l.seq == seq {
				return true
			}
		}
	}
	return false
}

// take returns and forgets the fragments of one position.
func (t *sources) take(stream, seq uint64) (found []protocol.Message) {
	for _, s := range t.list {
		s.unlisted = slices.DeleteFunc(s.unlisted, func(l loose) bool {
			if l.stream != stream || l.seq != seq {
				return false
			}
			found = append(found, l.msg)
			return true
		})
	}
	return found
}
