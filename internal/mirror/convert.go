package mirror

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	jsonfeed "github.com/mmcdole/gofeed/json"
)

// converter makes payloads of one document's entries.
type converter struct {
	base     *url.URL // relative links are resolved against it; nil if unknown
	scope    string
	author   []*gofeed.Person
	language string
}

func newConverter(src *gofeed.Feed, found string) *converter {
	c := &converter{
		scope:    scope(src.Link, found),
		author:   src.Authors,
		language: src.Language,
	}
	// The home page comes first, since it stays when the document moves: a key
	// may be made of a link.
	for _, s := range []string{src.Link, src.FeedLink, found} {
		if u, err := url.Parse(strings.TrimSpace(s)); err == nil && u.Host != "" {
			c.base = u
			break
		}
	}
	return c
}

// convert makes an Item of an entry; not ok where the entry says nothing.
func (c *converter) convert(e entry) (item Item, ok bool) {
	j := c.common(e.item)
	switch {
	case e.json != nil:
		c.fromJSON(&j, e.json)
	case e.atom != nil && e.atom.Content != nil:
		fillContent(&j, e.item, e.atom.Content.Type)
		if src := c.link(e.atom.Content.Src); src != "" {
			j.Attachments = append(j.Attachments, attachment{URL: src, MIMEType: e.atom.Content.Type})
		}
	default:
		fillContent(&j, e.item, "html") // what RSS has is HTML by custom
	}
	if j.empty() {
		return Item{}, false
	}
	item.Key = key(e.item.GUID, j.URL, c.scope, j.Title, j.ContentHTML, j.ContentText, j.Summary, j.DatePublished)
	j.ID = strings.TrimSpace(e.item.GUID)
	if j.ID == "" {
		j.ID = j.URL
	}
	if j.ID == "" || len(j.ID) > maxURL {
		j.ID = item.Key
	}
	item.ContentType = ContentType
	item.Payload, item.Truncated = j.encode()
	return item, true
}

// common takes over what every format has.
func (c *converter) common(in *gofeed.Item) jsonItem {
	j := jsonItem{
		URL:           c.link(in.Link),
		Title:         strings.TrimSpace(in.Title),
		DatePublished: rfc3339(in.PublishedParsed),
		DateModified:  rfc3339(in.UpdatedParsed),
		Language:      c.language,
		Tags:          in.Categories,
	}
	if in.Image != nil {
		j.Image = c.link(in.Image.URL)
	}
	persons := in.Authors
	if len(persons) == 0 {
		persons = c.author // the entry travels alone: it inherits here
	}
	for _, p := range persons {
		if p != nil && p.Name != "" {
			j.Authors = append(j.Authors, author{Name: p.Name})
		}
	}
	for _, enc := range in.Enclosures {
		if enc != nil && enc.URL != "" {
			size, _ := strconv.ParseInt(strings.TrimSpace(enc.Length), 10, 64)
			j.Attachments = append(j.Attachments, attachment{
				URL: c.link(enc.URL), MIMEType: enc.Type, Size: max(size, 0),
			})
		}
	}
	return j
}

// fromJSON takes over what the universal form loses of a JSON Feed item.
func (c *converter) fromJSON(j *jsonItem, in *jsonfeed.Item) {
	j.ContentHTML, j.ContentText, j.Summary = in.ContentHTML, in.ContentText, in.Summary
	j.ExternalURL = c.link(in.ExternalURL)
	j.Image, j.BannerImage = c.link(in.Image), c.link(in.BannerImage)
	if in.Language != "" {
		j.Language = in.Language
	}
	people := in.Authors
	if len(people) == 0 && in.Author != nil {
		people = []*jsonfeed.Author{in.Author}
	}
	if len(people) > 0 {
		j.Authors = nil
	}
	for _, p := range people {
		if p != nil && (p.Name != "" || p.URL != "") {
			j.Authors = append(j.Authors, author{Name: p.Name, URL: c.link(p.URL), Avatar: c.link(p.Avatar)})
		}
	}
	if in.Attachments == nil {
		return
	}
	j.Attachments = nil
	for _, a := range *in.Attachments {
		if a.URL != "" {
			j.Attachments = append(j.Attachments, attachment{URL: c.link(a.URL), MIMEType: a.MimeType,
				Title: a.Title, Size: max(a.SizeInBytes, 0), Duration: max(a.DurationInSeconds, 0)})
		}
	}
}

// fillContent takes over the content and, as plain text, the summary. kind is
// Atom's type: text, html, xhtml or a media type.
func fillContent(j *jsonItem, in *gofeed.Item, kind string) {
	content, summary := in.Content, in.Description
	if content == "" {
		content, summary = summary, ""
		kind = "html"
	}
	switch {
	case kind == "" || kind == "text" || kind == "text/plain":
		j.ContentText = content
	case kind == "html" || kind == "xhtml" || strings.HasPrefix(kind, "text/"):
		if strings.ContainsAny(content, "<&") {
			j.ContentHTML = content
		} else {
			j.ContentText = content
		}
	}
	// "summary (optional, string) is a plain text sentence or two" (JSON Feed 1.1).
	j.Summary = plain(summary)
}

// link resolves a link of the document. Empty: there is none, or none that a
// reader should ever follow.
func (c *converter) link(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if s == "" || err != nil {
		return ""
	}
	if c.base != nil {
		u = c.base.ResolveReference(u)
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "vbscript", "data":
		return ""
	}
	return bounded(u.String(), maxURL)
}

func rfc3339(t *time.Time) string {
	if t == nil || t.Year() < 1 || t.Year() > 9999 {
		return ""
	}
	return t.Format(time.RFC3339)
}
