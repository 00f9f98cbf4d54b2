package node

import (
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

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
				Time: time.Unix(0, int64(a.Item.Seq)), Payload: a.Item.Data, From: s.t.n.origins.get(a.Item.ID), Large: s.t.n.largeIn(a.Item)})
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
		s.t.n.noteFork(s.t.name, e.Fork.Seq, m.ID, m.Other)
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
	m.From, m.Large = s.t.n.origins.get(it.ID), s.t.n.largeIn(it)
	return m, nil
}
