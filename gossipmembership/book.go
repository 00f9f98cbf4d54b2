package gossipmembership

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a SimpleBook (our guesses).
const (
	// MaxBook bounds the peers in a book.
	MaxBook = 512
	// MaxHints bounds the addresses of one peer that came unsigned.
	MaxHints = MaxAddrs
)

// SimpleBook is a bounded address book: of each peer the newest record, the
// addresses that a person gave, and whether a dial to it has worked. One serves
// all groups of a host. It implements Book.
//
// Once it is full, a newcomer displaces one of a few random entries: one that
// the same peer passed on before others that were never tested, those before
// entries that failed since they last worked; never one that worked, and never
// the host's own. Nine tenths at most count as having worked, so that the book
// never closes.
type SimpleBook struct {
	self     PeerID
	own      Record
	capacity int
	rng      *rand.Rand
	keep     func(Record) *Record

	entries []bookEntry
	index   bookIndex
	hints   map[PeerID][]string // addresses that nobody signed; for lookup only
	proven  int                 // entries that are proven
}

// bookEntry is what the book knows of a peer.
type bookEntry struct {
	peer   PeerID
	record *Record // nil without one
	from   uint32  // the hash of who passed it on first
	// proven is set where a dial has worked and workedAt says when; failures
	// counts those that have not since, to maxFailed.
	failures uint8
	proven   bool
	hinted   bool // there are hints
	workedAt protocol.Time
}

// maxFailed is how many failures are told apart.
const maxFailed = 255

// NewSimpleBook returns a book of at most capacity peers, MaxBook where capacity
// is 0 or more than that.
func NewSimpleBook(self PeerID, capacity int, rng *rand.Rand) *SimpleBook {
	if capacity <= 0 || capacity > MaxBook {
		capacity = MaxBook
	}
	return &SimpleBook{self: self, capacity: capacity, rng: rng, keep: keepOwn,
		index: bookIndex{secret: rng.Uint64() | 1}, hints: make(map[PeerID][]string)}
}

// keepOwn gives a record a place of its own.
func keepOwn(rec Record) *Record { return &rec }

// Share has the book get its records' places from keep, which must return a record
// equal to its argument that nobody changes: so the books of many peers in one process
// hold one copy of each.
func (b *SimpleBook) Share(keep func(Record) *Record) { b.keep = keep }

// Len is the number of peers in the book, the host itself not counted.
func (b *SimpleBook) Len() int { return len(b.entries) }

// Record implements Book.
func (b *SimpleBook) Record(peer PeerID) (Record, bool) {
	if peer == b.self {
		return b.own, b.own.Seq > 0
	}
	if i, ok := b.index.find(peer, b.entries); ok && b.entries[i].record != nil {
		return *b.entries[i].record, true
	}
	return Record{}, false
}

// Learn implements Book. The host's own record is taken from the host alone. A
// record that is not newer than the one held changes nothing.
func (b *SimpleBook) Learn(now protocol.Time, rec Record, from PeerID) {
	switch {
	case rec.Seq == 0:
	case rec.Peer == b.self:
		if from == b.self && Newer(rec, b.own) {
			b.own = rec
		}
	default:
		if e := b.entry(rec.Peer, from); e != nil && (e.record == nil || Newer(rec, *e.record)) {
			e.record = b.keep(rec)
		}
	}
}

// Hint adds addresses of a peer that nobody signed: from a ticket, from mDNS. They
// are dialled and never passed on. The newest MaxHints are kept.
func (b *SimpleBook) Hint(peer PeerID, addrs []string) {
	if peer == b.self || peer == "" {
		return
	}
	e := b.entry(peer, b.self)
	if e == nil {
		return
	}
	var hints []string
	for _, list := range [][]string{addrs, b.hints[peer]} {
		for _, a := range list {
			if len(hints) < MaxHints && len(a) > 0 && len(a) <= MaxAddrLen && !slices.Contains(hints, a) {
				hints = append(hints, a)
			}
		}
	}
	if e.hinted = len(hints) > 0; e.hinted {
		b.hints[peer] = slices.Clip(hints)
	}
}

// Addrs returns the addresses at which to dial a peer, those it signed first: at
// most MaxAddrs+MaxHints.
func (b *SimpleBook) Addrs(peer PeerID) []string {
	i, ok := b.index.find(peer, b.entries)
	if !ok {
		return nil
	}
	e := &b.entries[i]
	var addrs []string
	if e.record != nil {
		addrs = slices.Clone(e.record.Addrs)
	}
	if e.hinted {
		for _, a := range b.hints[peer] {
			if !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

// Dialable implements Book: a book alone knows of no obstacle.
func (b *SimpleBook) Dialable(PeerID) bool { return true }

// Some draws at most n peers that are acceptable, those first whose dials have failed
// least.
func (b *SimpleBook) Some(n int, acceptable func(PeerID) bool) (peers []PeerID) {
	order := b.rng.Perm(len(b.entries))
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.entries[i].failures, b.entries[j].failures) })
	for _, i := range order {
		if len(peers) == n {
			break
		}
		if p := b.entries[i].peer; acceptable(p) {
			peers = append(peers, p)
		}
	}
	return peers
}

// Worked notes that a dial to a peer has worked.
func (b *SimpleBook) Worked(peer PeerID, now protocol.Time) {
	i, ok := b.index.find(peer, b.entries)
	if !ok {
		return
	}
	e := &b.entries[i]
	e.workedAt, e.failures = now, 0
	if !e.proven {
		e.proven = true
		b.proven++
		b.limitProven()
	}
}

// Failed notes that a dial to a peer has not worked.
func (b *SimpleBook) Failed(peer PeerID, _ protocol.Time) {
	if i, ok := b.index.find(peer, b.entries); ok {
		e := &b.entries[i]
		e.failures = min(e.failures, maxFailed-1) + 1
	}
}

// Restore puts back an entry that Remembered returned in an earlier run. It counts
// as having worked, longer ago than anything in this run. A record with
// sequence number 0 brings hints.
func (b *SimpleBook) Restore(rec Record) {
	if rec.Peer == b.self {
		return
	}
	if rec.Seq == 0 {
		b.Hint(rec.Peer, rec.Addrs)
	} else {
		b.Learn(0, rec, b.self)
	}
	if i, ok := b.index.find(rec.Peer, b.entries); ok && !b.entries[i].proven {
		b.Worked(rec.Peer, longAgo)
	}
}

// longAgo is before every instant of a driver's clock.
const longAgo protocol.Time = -1 << 62

// Remembered returns at most n entries worth keeping for the next run: those that
// worked, the last that did first. An entry without a record is returned as an
// unsigned one with sequence number 0.
func (b *SimpleBook) Remembered(n int) []Record {
	var worked []*bookEntry
	for i := range b.entries {
		if b.entries[i].proven {
			worked = append(worked, &b.entries[i])
		}
	}
	slices.SortFunc(worked, func(x, y *bookEntry) int {
		return cmp.Or(cmp.Compare(x.failures, y.failures), cmp.Compare(y.workedAt, x.workedAt), cmp.Compare(x.peer, y.peer))
	})
	recs := make([]Record, 0, max(0, min(n, len(worked))))
	for _, e := range worked[:cap(recs)] {
		if e.record != nil {
			recs = append(recs, *e.record)
		} else {
			recs = append(recs, Record{Peer: e.peer, Addrs: slices.Clone(b.hints[e.peer])})
		}
	}
	return recs
}
