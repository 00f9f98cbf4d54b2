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
	// Large is set where the item names a large file, which may still be on its way: see
	// Topic.Large. Payload is then its manifest.
	Large *Large
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

// FromStart begins with the oldest item stored, of a feed with entry 1. It is the
// default.
func FromStart() SubscribeOption { return func(*Subscription) error { return nil } }

// FromNow leaves out what is stored already: of a feed everything up to the highest
// entry stored.
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

// FromTime begins with what this host received at t or later; of a feed with the
// lowest such entry, and goes on in the author's order from there.
func FromTime(at time.Time) SubscribeOption {
	return func(s *Subscription) error {
		after, err := s.t.n.store.Since(s.t.id, at)
		s.arrival = after
		if err != nil || s.t.owner == "" {
			return err
		}
		return s.beginAfter(after)
	}
}

// Subscription reads a topic from the store, at its reader's pace: nothing is lost
// to a slow reader. Not for use by several goroutines, but for Cancel.
type Subscription struct {
	t       *Topic
	wake    chan struct{}
	arrival uint64 // read up to here in the order of arrival
	first   uint64 // feed: begin here
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
	s := &Subscription{t: t, wake: make(chan struct{}, 1), quit: make(chan struct{}), first: 1}
	if err := s.ended(); err != nil {
		return nil, err
	}
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
	s.order = feed.NewSequencer(s.first, t.n.cfg.patience)
	if err := s.hearStored(); err != nil {
		s.Cancel()
		return nil, err
	}
	return s, nil
}

// beginAfter begins with the lowest entry that arrived after the given arrival, and
// behind everything stored where there is none.
func (s *Subscription) beginAfter(after uint64) error {
	if err := s.skipStored(); err != nil {
		return err
	}
	return s.t.n.store.Arrivals(s.t.id, after, func(a store.Arrival) bool {
		s.first = min(s.first, a.Item.Seq)
		return true
	})
}

// skipStored begins behind everything stored.
func (s *Subscription) skipStored() error {
	if s.t.owner == "" {
		var err error
		s.arrival, err = s.t.n.store.LastArrival(s.t.id)
		return err
	}
	key, _, err := s.t.n.store.Last(s.t.id, s.t.owner)
	s.first = key.Seq + 1
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
		if err := s.ended(); err != nil {
			return nil, err
		}
		msg, wait, err := s.poll()
		if msg != nil || err != nil {
			return msg, s.t.n.orClosed(err)
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

// ended says why there is nothing more to read, nil while there may be.
func (s *Subscription) ended() error {
	select {
	case <-s.quit:
		return ErrCancelled
	case <-s.t.n.closing:
		return ErrClosed
	case <-s.t.quit:
		return ErrLeft
	default:
		return nil
	}
}
