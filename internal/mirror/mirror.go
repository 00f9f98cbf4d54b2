package mirror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of a mirror's patience.
const (
	DefaultInterval = 5 * time.Minute
	MinInterval     = time.Second
	// MaxBackoff bounds the wait after failures, where the interval is not longer
	// anyway (our guess).
	MaxBackoff = time.Hour
	// jitterFraction spreads polls, so that the mirrors of one document, or of one
	// host's restart, do not ask all at once: up to a tenth of the wait is added.
	jitterFraction = 0.1
)

// A Publisher takes in entries, each once.
type Publisher interface {
	// PublishOnce publishes payload unless something was published under key
	// before, in this or an earlier run, and reports whether it did. It returns
	// after the entry is safe on disk. Calls come one at a time.
	PublishOnce(ctx context.Context, key, contentType string, payload []byte) (published bool, err error)
}

// Config says what a Mirror reads.
type Config struct {
	// Source is an http or https address, a file address, or a path.
	Source string
	// Interval is the time between two polls: DefaultInterval if zero, at least
	// MinInterval. A server's Retry-After may make it longer.
	Interval time.Duration
	// Version is the program's, for the User-Agent.
	Version string
	// Changed, if not nil, is called by Run after each poll that published
	// something, failed, or was the first to succeed again. It must not block.
	Changed func(State)
}

// Mirror publishes the entries of one document as they appear.
type Mirror struct {
	cfg     Config
	fetcher *Fetcher
	pub     Publisher
	// seen holds the keys of the last document whose entry is known to be
	// published, so that a poll asks the Publisher about new ones only. At most
	// MaxEntries.
	seen map[string]bool

	wait   func(ctx context.Context, d time.Duration) error
	now    func() time.Time
	jitter func() float64 // [0, 1)

	mu    sync.Mutex
	state State
}

// New returns a Mirror that publishes by pub. It reads nothing yet.
func New(cfg Config, pub Publisher) (*Mirror, error) {
	switch {
	case cfg.Interval == 0:
		cfg.Interval = DefaultInterval
	case cfg.Interval < MinInterval:
		return nil, fmt.Errorf("an interval of %v is too short: at least %v", cfg.Interval, MinInterval)
	}
	f, err := NewFetcher(cfg.Source, cfg.Version)
	if err != nil {
		return nil, err
	}
	return &Mirror{
		cfg: cfg, fetcher: f, pub: pub, seen: map[string]bool{},
		wait: sleep, now: time.Now, jitter: rand.Float64,
		state: State{Source: f.source.shown, Interval: cfg.Interval},
	}, nil
}

// Source is what the mirror reads, for a person: a path is absolute, a password
// left out.
func (m *Mirror) Source() string { return m.fetcher.source.shown }

// Run polls until ctx is done, and returns ctx's error. Failures do not end it.
func (m *Mirror) Run(ctx context.Context) error {
	for {
		before := m.State()
		_, err := m.Poll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		delay := m.delay(err)
		state := m.schedule(delay)
		changed := state.Published != before.Published || err != nil ||
			before.LastSuccess.IsZero() || before.LastError != ""
		if m.cfg.Changed != nil && changed {
			m.cfg.Changed(state)
		}
		if err := m.wait(ctx, delay); err != nil {
			return err
		}
	}
}

// delay is how long to wait before the next poll.
func (m *Mirror) delay(err error) time.Duration {
	d := backoff(m.cfg.Interval, m.State().Failures)
	var retry *RetryError
	if errors.As(err, &retry) {
		d = max(d, retry.After)
	}
	return d + time.Duration(m.jitter()*jitterFraction*float64(d))
}

// backoff doubles the interval for each failure in a row, up to MaxBackoff.
func backoff(interval time.Duration, failures int) time.Duration {
	limit := max(interval, MaxBackoff)
	for ; failures > 0 && interval < limit; failures-- {
		interval = min(2*interval, limit)
	}
	return interval
}

// Result is what one poll did.
type Result struct {
	// Entries is the number of entries in the document; zero if NotModified.
	Entries int
	// Published is how many of them were new.
	Published   int
	NotModified bool
}

// Poll reads the document once and publishes what is new, oldest first. On an
// error Result counts what was published before it.
func (m *Mirror) Poll(ctx context.Context) (Result, error) {
	res, feed, err := m.poll(ctx)
	m.record(res, feed, err)
	return res, err
}

func (m *Mirror) poll(ctx context.Context) (Result, *Feed, error) {
	doc, err := m.fetcher.Fetch(ctx)
	if err != nil {
		return Result{}, nil, err
	}
	if doc.NotModified {
		return Result{NotModified: true}, nil, nil
	}
	feed, err := Parse(doc.Body, doc.URL)
	if err != nil {
		return Result{}, nil, fmt.Errorf("%s: %w", m.Source(), err)
	}
	res := Result{Entries: len(feed.Items)}
	seen := make(map[string]bool, len(feed.Items))
	for _, item := range feed.Items {
		if !m.seen[item.Key] {
			published, err := m.pub.PublishOnce(ctx, item.Key, item.ContentType, item.Payload)
			if err != nil {
				return res, feed, fmt.Errorf("publishing an entry of %s: %w", m.Source(), err)
			}
			if published {
				res.Published++
			}
		}
		seen[item.Key] = true
	}
	m.seen = seen
	// Only now: had a publication failed, a 304 next time would lose the rest.
	m.fetcher.Confirm(doc)
	return res, feed, nil
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
