package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
)

// plain is the text of HTML, white space collapsed.
func plain(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	skip := ""
	for z := html.NewTokenizer(strings.NewReader(s)); b.Len() < 4*maxSummary; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			if skip == "" {
				b.Write(z.Text())
			}
		default:
			name, _ := z.TagName()
			switch tag := string(name); {
			case kind == html.StartTagToken && (tag == "script" || tag == "style"):
				skip = tag
			case kind == html.EndTagToken && tag == skip:
				skip = ""
			case !inline[tag]:
				b.WriteByte(' ')
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// inline are the elements that do not part words.
var inline = map[string]bool{"a": true, "abbr": true, "b": true, "code": true, "em": true,
	"i": true, "mark": true, "q": true, "s": true, "small": true, "span": true,
	"strong": true, "sub": true, "sup": true, "u": true}

// explain says why a document could not be read as a feed, and what to do.
func explain(err error, body []byte, base string) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("the document is empty")
	case looksLikeHTML(body):
		if alt := alternate(body, base); alt != "" {
			return fmt.Errorf("this is a web page, not a feed: try the feed it names, %s", alt)
		}
		return errors.New("this is a web page, not a feed: give the address of its RSS, Atom or JSON feed")
	case errors.Is(err, gofeed.ErrFeedTypeNotDetected):
		return errors.New("this is neither RSS, Atom nor JSON Feed")
	}
	return fmt.Errorf("the feed document is broken: %w", err)
}

func looksLikeHTML(body []byte) bool {
	start := bytes.ToLower(body[:min(len(body), 1024)])
	return bytes.Contains(start, []byte("<!doctype html")) || bytes.Contains(start, []byte("<html"))
}

// alternate finds the feed that a web page names in its head, if any.
func alternate(page []byte, base string) string {
	z := html.NewTokenizer(bytes.NewReader(page[:min(len(page), 256<<10)]))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return ""
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if token := z.Token(); token.Data == "link" {
			if href := feedLink(token.Attr); href != "" {
				return absolute(href, base)
			}
		}
	}
}

// feedLink is the href of a link element that leads to a feed.
func feedLink(attrs []html.Attribute) (href string) {
	rel, kind := "", ""
	for _, a := range attrs {
		switch a.Key {
		case "rel":
			rel = strings.ToLower(a.Val)
		case "type":
			kind = strings.ToLower(a.Val)
		case "href":
			href = a.Val
		}
	}
	isFeed := kind == "application/rss+xml" || kind == "application/atom+xml" || kind == "application/feed+json"
	if !isFeed || !strings.Contains(rel, "alternate") || len(href) > maxURL {
		return ""
	}
	return href
}

func absolute(href, base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return href
	}
	to, err := u.Parse(href)
	if err != nil {
		return href
	}
	return to.String()
}
