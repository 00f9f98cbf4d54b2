package node

import (
	"context"
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// MessageKind tells what Next returned.
type MessageKind uint8

// The kinds.
const (
	// Item: something that was published.
	Item MessageKind = iota
	// Gap: entries First to Last are missing. Nobody within reach had them within
	// the patience; the reader goes on behind them, and gets them, marked Late,
	// should they come.
	Gap
	// Fork: the author has signed two different chains: entry Seq exists twice, as
	// ID and as Other. The reader goes on with the one that came first.
	Fork
)

// Message is what a subscription yields.
type Message struct {
	Kind   MessageKind
	Topic  string
	Author protocol.PeerID
	// Seq is the entry's number in a feed; in an open topic the author's clock.
	Seq uint64
	ID  protocol.ItemID
	// Time is the author's word for when it was published, not to be trusted.
	Time time.Time
	// ContentType is the payload's media type, as far as the author said.
	ContentType string
	Payload     []byte
	// From is the peer it came from: empty for this host's own items, and where
	// that was too long ago to be remembered.
	From protocol.PeerID
	// First and Last bound a Gap, both included.
	First, Last uint64
	// Late is set for an entry that comes after a gap with it was reported.
	Late bool
	// Other is the second item of a Fork.
	Other protocol.ItemID
}

// SubscribeOption is a setting of Subscribe.
type SubscribeOption func(*Subscription) error

// FromStart begins with the oldest item stored. It is the default.
func FromStart() SubscribeOption { return func(*Subscription) error { return nil } }

// FromNow leaves out what is stored already.
func FromNow() SubscribeOption {
	return func(s *Subscription) error { return s.skipStored() }
}

// FromSeq begins with entry seq of a feed.
func FromSeq(seq uint64) SubscribeOption {
	return func(s *Subscription) error {
		if s.t.owner == "" {
			return errors.New("an open topic has no entry numbers: begin at a time instead")
		}
		s.first = max(1, seq)
		return nil
	}
}

// FromTime begins with what this host received at t or later.
func FromTime(at time.Time) SubscribeOption {
	return func(s *Subscription) error {
		after, err := s.t.n.store.Since(s.t.id, at)
		s.arrival = after
		return err
	}
}

// Subscription reads a topic from the store, at its reader's pace: nothing is lost
// to a slow reader. Not for use by several goroutines, but for Cancel.
type Subscription struct {
	t       *Topic
	wake    chan struct{}
	arrival uint64 // read up to here in the order of arrival
	first   uint64 // feed: begin here; 0: with the first that comes
	order   *feed.Sequencer
	ready   []Message // open topic: read, not yet returned
	evident int       // feed: pieces of evidence of forks looked at
	quit    chan struct{}
}

// ErrCancelled: the subscription was cancelled.
var ErrCancelled = errors.New("the subscription was cancelled")

// maxReadAhead bounds the items read from the store at once.
const maxReadAhead = 64

// Subscribe reads the topic from now on, from the start of what is stored unless
// an option says otherwise. Of a feed the entries come in the author's order.
func (t *Topic) Subscribe(opts ...SubscribeOption) (*Subscription, error) {
	s := &Subscription{t: t, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	t.mu.Lock()
	t.wakes[s] = s.wake
	t.mu.Unlock()
	for _, opt := range opts {
		if err := opt(s); err != nil {
			s.Cancel()
			return nil, err
		}
	}
	if t.owner == "" {
		return s, nil
	}
	s.order = feed.NewSequencer(s.start(), t.n.cfg.patience)
	if s.arrival == 0 {
		if err := s.hearStored(); err != nil {
			s.Cancel()
			return nil, err
		}
	}
	return s, nil
}

// start is the entry a feed's reader begins with: the one asked for, else the
// first of all, so that a missing beginning is reported as a gap; else, where only
// news are wanted, whatever comes first.
func (s *Subscription) start() uint64 {
	if s.first == 0 && s.arrival == 0 {
		return 1
	}
	return s.first
}

// skipStored begins behind everything stored.
func (s *Subscription) skipStored() error {
	key, ok, err := s.t.n.store.Last(s.t.id, s.t.owner)
	if ok && s.t.owner != "" {
		s.first = key.Seq + 1
	}
	if err != nil {
		return err
	}
	s.arrival, err = s.t.n.store.LastArrival(s.t.id)
	return err
}

// Cancel ends the subscription; a Next under way returns ErrCancelled.
func (s *Subscription) Cancel() {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if _, ok := s.t.wakes[s]; ok {
		delete(s.t.wakes, s)
		close(s.quit)
	}
}

// Next returns what comes next, and waits for it. It fails when ctx ends, when the
// subscription is cancelled, the topic left or the node closed, and when the store
// cannot be read.
func (s *Subscription) Next(ctx context.Context) (*Message, error) {
	for {
		msg, wait, err := s.poll()
		if msg != nil || err != nil {
			return msg, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.quit:
			err = ErrCancelled
		case <-s.t.quit:
			err = ErrLeft
		case <-s.t.n.closing:
			err = ErrClosed
		}
		timer.Stop()
		if err != nil {
			return nil, err
		}
	}
}

// poll returns the next message if there is one, else how long to wait for one.
func (s *Subscription) poll() (*Message, time.Duration, error) {
	if s.order == nil {
		msg, err := s.pollOpen()
		return msg, maxSleep, err
	}
	return s.pollFeed()
}

// pollOpen takes items in the order in which they arrived.
func (s *Subscription) pollOpen() (*Message, error) {
	if len(s.ready) == 0 {
		err := s.t.n.store.Arrivals(s.t.id, s.arrival, func(a store.Arrival) bool {
			s.arrival = a.N
			s.ready = append(s.ready, Message{Topic: s.t.name, Author: a.Item.Author, Seq: a.Item.Seq, ID: a.Item.ID,
				Time: time.Unix(0, int64(a.Item.Seq)), Payload: a.Item.Data, From: s.t.n.origins.get(a.Item.ID)})
			return len(s.ready) < maxReadAhead
		})
		if err != nil || len(s.ready) == 0 {
			return nil, err
		}
	}
	msg := s.ready[0]
	s.ready = s.ready[1:]
	return &msg, nil
}

// pollFeed takes entries in the author's order.
func (s *Subscription) pollFeed() (*Message, time.Duration, error) {
	if err := s.hearArrivals(); err != nil {
		return nil, 0, err
	}
	now := s.t.n.now()
	for {
		e, ok := s.order.Next(now)
		if !ok {
			if d := s.order.Deadline(); d != protocol.Never {
				return nil, max(time.Millisecond, min(maxSleep, d.Sub(now))), nil
			}
			return nil, maxSleep, nil
		}
		msg, err := s.message(e)
		if msg != nil || err != nil {
			return msg, 0, err
		}
	}
}

// hearArrivals tells the sequencer the numbers of what has arrived.
func (s *Subscription) hearArrivals() error {
	now := s.t.n.now()
	run := feed.Range{}
	flush := func() {
		if run.First > 0 {
			s.order.Have(now, run.First, run.Last)
		}
	}
	err := s.t.n.store.Arrivals(s.t.id, s.arrival, func(a store.Arrival) bool {
		s.arrival = a.N
		if seq := a.Item.Seq; run.First > 0 && seq == run.Last+1 {
			run.Last = seq
		} else {
			flush()
			run = feed.Range{First: seq, Last: seq}
		}
		return true
	})
	flush()
	if err != nil {
		return err
	}
	return s.hearForks()
}

// hearStored tells the sequencer of everything stored, without reading it.
func (s *Subscription) hearStored() error {
	last, err := s.t.n.store.LastArrival(s.t.id)
	if err != nil {
		return err
	}
	h, err := s.t.n.store.Holdings(s.t.id, s.t.owner)
	for _, r := range h.Ranges {
		s.order.Have(s.t.n.now(), r.First, r.Last)
	}
	s.arrival = last
	return err
}

// hearForks tells the sequencer of forks the store has found.
func (s *Subscription) hearForks() error {
	items, err := s.t.n.store.Evidence(s.t.id)
	if err != nil || len(items) == s.evident {
		return err
	}
	for _, it := range items {
		first, err := s.t.n.store.GetSeq(s.t.id, s.t.owner, it.Seq)
		if err == nil {
			s.order.Fork(feed.Fork{Seq: it.Seq, IDs: [2]protocol.ItemID{first.ID, it.ID}})
		}
	}
	s.evident = len(items)
	return nil
}

// message makes a message of a sequencer's event; nil where the entry is gone
// from the store meanwhile.
func (s *Subscription) message(e feed.Event) (*Message, error) {
	m := &Message{Topic: s.t.name, Author: s.t.owner, Seq: e.First, First: e.First, Last: e.Last, Late: e.Late}
	switch e.Kind {
	case feed.Missing:
		m.Kind = Gap
		return m, nil
	case feed.Forked:
		m.Kind, m.ID, m.Other = Fork, e.Fork.IDs[0], e.Fork.IDs[1]
		return m, nil
	}
	it, err := s.t.n.store.GetSeq(s.t.id, s.t.owner, e.First)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // retention was faster than the reader
	}
	if err != nil {
		return nil, err
	}
	entry, err := feed.ParseEntry(it.Data)
	if err != nil {
		return nil, err
	}
	s.order.Read(feed.Link{Seq: entry.Seq, ID: it.ID, Prev: entry.Prev})
	m.First, m.Last = 0, 0
	m.ID, m.Time = it.ID, time.UnixMilli(entry.Time)
	m.ContentType, m.Payload = entry.ContentType, entry.Payload
	m.From = s.t.n.origins.get(it.ID)
	return m, nil
}
