package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
)

// MaxEntries is the number of entries of one document that are mirrored: the
// newest of it (our guess: a large archive has some hundreds).
const MaxEntries = 1000

// ContentType is that of every mirrored entry: one JSON Feed 1.1 item object.
const ContentType = "application/feed+json"

// Feed is a document as it is mirrored.
type Feed struct {
	Title  string // at most maxTitle bytes
	Format string // rss, atom or json
	// Items are the entries, oldest first, no two with one key; at most
	// MaxEntries.
	Items []Item
	// Skipped counts entries left out: beyond MaxEntries, empty, or named like
	// another.
	Skipped int
	// Truncated counts the Items whose content is cut.
	Truncated int
}

// Item is one entry, ready to publish.
type Item struct {
	// Key names the entry in every version of its document; at most MaxKey bytes.
	Key         string
	ContentType string
	// Payload is a JSON Feed 1.1 item of at most MaxPayload bytes.
	Payload   []byte
	Truncated bool
}

// Parse reads an RSS, Atom or JSON Feed document. base is where it was found,
// against which relative links are resolved; empty if unknown.
func Parse(body []byte, base string) (*Feed, error) {
	src, err := parseDocument(body)
	if err != nil {
		return nil, explain(err, body, base)
	}
	conv := newConverter(src, base)
	feed := &Feed{
		Title:  clip(strings.TrimSpace(strings.ToValidUTF8(src.Title, "\uFFFD")), maxTitle),
		Format: src.FeedType,
	}
	entries := oldestFirst(originals(src))
	if extra := len(entries) - MaxEntries; extra > 0 {
		entries, feed.Skipped = entries[extra:], extra
	}
	at := make(map[string]int, len(entries))
	for _, e := range entries {
		item, ok := conv.convert(e)
		if !ok {
			feed.Skipped++
			continue
		}
		// Of two versions of one entry the newer stands, where the older was.
		if i, twice := at[item.Key]; twice {
			feed.Skipped++
			feed.Items[i] = item
			continue
		}
		at[item.Key] = len(feed.Items)
		feed.Items = append(feed.Items, item)
	}
	for _, item := range feed.Items {
		if item.Truncated {
			feed.Truncated++
		}
	}
	return feed, nil
}

// parseDocument runs the parser. Its input comes from anywhere: should it ever
// panic, that is this document's failure and not the process's.
func parseDocument(body []byte) (feed *gofeed.Feed, err error) {
	defer func() {
		if p := recover(); p != nil {
			feed, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true // for what the universal form leaves out
	feed, err = parser.Parse(bytes.NewReader(body))
	if err == nil && feed.FeedType == "json" && !strings.Contains(feed.FeedVersion, "jsonfeed.org") {
		return nil, errors.New("it is JSON, but no JSON Feed: it has no version of jsonfeed.org")
	}
	return feed, err
}

// entry is one entry as parsed: the universal form and, where the format says
// more, its own.
type entry struct {
	item *gofeed.Item
	json *jsonfeed.Item // nil unless the document is a JSON Feed
	atom *atom.Entry    // nil unless the document is Atom
}

// originals pairs each universal entry with the one it was made from.
func originals(src *gofeed.Feed) []entry {
	entries := make([]entry, 0, len(src.Items))
	for i, item := range src.Items {
		if item == nil {
			continue
		}
		e := entry{item: item}
		switch original := src.OriginalFeed().(type) {
		case *jsonfeed.Feed:
			if len(original.Items) == len(src.Items) {
				e.json = original.Items[i]
			}
		case *atom.Feed:
			if len(original.Entries) == len(src.Items) {
				e.atom = original.Entries[i]
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// oldestFirst orders entries by their dates where all have one. Otherwise it
// trusts the document's order, which is newest first unless the dates that there
// are say the opposite.
func oldestFirst(entries []entry) []entry {
	var dated []time.Time
	for _, e := range entries {
		if t := date(e.item); !t.IsZero() {
			dated = append(dated, t)
		}
	}
	ascending := 0
	for i := 1; i < len(dated); i++ {
		ascending += dated[i].Compare(dated[i-1])
	}
	if ascending <= 0 {
		slices.Reverse(entries)
	}
	if len(dated) == len(entries) {
		slices.SortStableFunc(entries, func(a, b entry) int { return date(a.item).Compare(date(b.item)) })
	}
	return entries
}

// date is when an entry was published, or else changed; zero if neither is said.
func date(item *gofeed.Item) time.Time {
	switch {
	case item.PublishedParsed != nil:
		return *item.PublishedParsed
	case item.UpdatedParsed != nil:
		return *item.UpdatedParsed
	}
	return time.Time{}
}
