package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/quilt-p2p/quilt/internal/control"
)

// renderEntry returns an entry as a person reads it: a line of where it stands,
// and on the same line the text, if it is one line; else the text below it.
func renderEntry(e control.Event) string {
	head := fmt.Sprintf("%s #%d  %s", clean(e.Topic), e.Seq, when(e.Time))
	if !strings.HasPrefix(e.TopicName, feedPrefix) {
		head = fmt.Sprintf("%s  %s  %s", clean(e.Topic), when(e.Time), short(e.Author))
	}
	if e.Late {
		head += "  (late)"
	}
	text := strings.TrimRight(renderPayload(e.ContentType, e.Bytes()), "\n")
	if e.File != nil {
		text = fmt.Sprintf("[file %s, %s]", clean(e.File.SafeName), size(uint64(e.File.Size)))
	}
	if !strings.Contains(text, "\n") {
		return head + "  " + text + "\n"
	}
	return head + "\n" + indent(text) + "\n"
}

// feedPrefix begins the names of owned feeds on the network.
const feedPrefix = "/quilt/feed/"

// renderPayload returns what a person can read of a payload.
func renderPayload(contentType string, payload []byte) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = contentType
	}
	if !utf8.Valid(payload) {
		return fmt.Sprintf("[%d bytes of %s; --raw prints them]", len(payload), clean(orKind(kind, payload)))
	}
	if kind == "application/feed+json" {
		if text, ok := renderFeedItem(payload); ok {
			return text
		}
	}
	return cleanLines(string(payload))
}

// renderFeedItem returns title and link of an item of JSON Feed 1.1.
func renderFeedItem(payload []byte) (string, bool) {
	var item struct {
		Title string `json:"title"`
		URL   string `json:"url"`
		Text  string `json:"content_text"`
	}
	if json.Unmarshal(payload, &item) != nil {
		return "", false
	}
	title := item.Title
	if title == "" {
		title = firstLine(item.Text, 120)
	}
	switch {
	case title == "":
		return clean(item.URL), item.URL != ""
	case item.URL == "":
		return clean(title), true
	}
	return clean(title) + " <" + clean(item.URL) + ">", true
}

// firstLine returns at most n characters of the first line of s.
func firstLine(s string, n int) string {
	s, _, more := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	if more {
		s += " …"
	}
	return s
}

// indent sets text apart from the lines around it.
func indent(s string) string {
	return "    " + strings.ReplaceAll(s, "\n", "\n    ")
}
