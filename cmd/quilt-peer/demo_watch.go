package main

import (
	"context"
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// told is one line of the demonstration.
type told struct {
	AtS   float64 `json:"at_s"` // seconds since it began
	Peer  string  `json:"peer,omitempty"`
	Event string  `json:"event"`
	Text  string  `json:"text"`
}

// say tells one thing that happened.
func (d *demo) say(peer, event, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := time.Since(d.begin)
	text := fmt.Sprintf(format, args...)
	if d.json {
		_ = d.a.printJSON(told{float64(at.Milliseconds()) / 1000, peer, event, text})
		return
	}
	if peer != "" {
		text = fmt.Sprintf("%-5s %s", peer, text)
	}
	_, _ = fmt.Fprintf(d.a.stdout, "[%4.1fs] %s\n", at.Seconds(), text)
}

// watch tells of each entry that a peer has, once, until the peer ends.
func (d *demo) watch(ctx context.Context, p *demoPeer) error {
	events, err := p.client.Subscribe(ctx, control.SubscribeRequest{Topic: demoFeed})
	if err != nil {
		return fmt.Errorf("%s cannot read the feed: %w", p.name, err)
	}
	p.watching.Go(func() {
		_ = events(func(e control.Event) bool { // an error says that the peer ended
			d.received(p, e)
			return true
		})
	})
	return nil
}

// received tells of an entry that a peer did not have before.
func (d *demo) received(p *demoPeer, e control.Event) {
	d.mu.Lock()
	first := e.Type == control.EventEntry && !d.held[p.name][e.Seq]
	from := d.names[e.ReceivedFrom]
	d.mu.Unlock()
	switch {
	case e.Type != control.EventEntry:
		d.say(p.name, e.Type, "sees a %s in the feed", e.Type)
	case !first:
		return
	case from == "":
		d.say(p.name, "published", "publishes  #%d %s", e.Seq, headline(e))
	default:
		d.say(p.name, "received", "receives   #%d %s, from %s", e.Seq, headline(e), from)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[p.name] == nil {
		d.held[p.name] = map[uint64]bool{}
	}
	d.held[p.name][e.Seq] = true
	close(d.arrived)
	d.arrived = make(chan struct{})
}

// headline is an entry in a few words.
func headline(e control.Event) string {
	text := renderPayload(e.ContentType, e.Bytes())
	return fmt.Sprintf("%q", firstLine(text, 50))
}

// wait returns when each of the peers has n entries.
func (d *demo) wait(ctx context.Context, n int, peers ...*demoPeer) error {
	ctx, cancel := context.WithTimeout(ctx, demoStep)
	defer cancel()
	for {
		d.mu.Lock()
		arrived := d.arrived
		missing := ""
		for _, p := range peers {
			if have := len(d.held[p.name]); have < n {
				missing = fmt.Sprintf("%s has only %d of %d entries after %s", p.name, have, n, demoStep)
			}
		}
		d.mu.Unlock()
		if missing == "" {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return control.NewError(control.CodeTimeout, missing,
				"the computer may be too busy; if it happens again it is a bug, please report it")
		}
	}
}
