package mirror

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a payload, in bytes of UTF-8 unless said otherwise. The small ones
// together stay far below MaxPayload, so that cutting the content always suffices.
const (
	// MaxPayload bounds an encoded entry; longer content is cut.
	MaxPayload = 256 << 10

	maxTitle       = 1 << 10
	maxSummary     = 4 << 10
	maxURL         = 2 << 10
	maxWord        = 128 // a tag, a name, a media type, a language
	maxTags        = 64  // tags
	maxAuthors     = 8   // authors
	maxAttachments = 16  // attachments
)

// cutMark ends content that was cut.
const cutMark = " … [cut here: the entry was too long to mirror]"

// jsonItem is an item object of JSON Feed 1.1.
type jsonItem struct {
	ID            string       `json:"id"`
	URL           string       `json:"url,omitempty"`
	ExternalURL   string       `json:"external_url,omitempty"`
	Title         string       `json:"title,omitempty"`
	ContentHTML   string       `json:"content_html,omitempty"`
	ContentText   string       `json:"content_text,omitempty"`
	Summary       string       `json:"summary,omitempty"`
	Image         string       `json:"image,omitempty"`
	BannerImage   string       `json:"banner_image,omitempty"`
	DatePublished string       `json:"date_published,omitempty"`
	DateModified  string       `json:"date_modified,omitempty"`
	Authors       []author     `json:"authors,omitempty"`
	Tags          []string     `json:"tags,omitempty"`
	Language      string       `json:"language,omitempty"`
	Attachments   []attachment `json:"attachments,omitempty"`
	// Cut is an extension: "its name must start with an underscore".
	Cut *cut `json:"_quilt_truncated,omitempty"`
}

type author struct {
	Name   string `json:"name,omitempty"`
	URL    string `json:"url,omitempty"`
	Avatar string `json:"avatar,omitempty"`
}

type attachment struct {
	URL      string `json:"url"`
	MIMEType string `json:"mime_type,omitempty"`
	Title    string `json:"title,omitempty"`
	Size     int64  `json:"size_in_bytes,omitempty"`
	Duration int64  `json:"duration_in_seconds,omitempty"`
}

// cut tells a program what cutMark tells a person.
type cut struct {
	ContentBytes int `json:"content_bytes"` // the length before
}

// empty reports whether there is nothing to read or to follow.
func (j *jsonItem) empty() bool {
	return j.URL == "" && j.ExternalURL == "" && j.Title == "" && j.Summary == "" &&
		strings.TrimSpace(j.ContentHTML) == "" && strings.TrimSpace(j.ContentText) == "" &&
		len(j.Attachments) == 0
}

// encode returns the item in at most MaxPayload bytes, and whether content was
// cut for that.
func (j *jsonItem) encode() (payload []byte, truncated bool) {
	j.bound()
	payload = marshal(j)
	if len(payload) <= MaxPayload {
		return payload, false
	}
	content, isHTML := &j.ContentHTML, true
	if *content == "" {
		content, isHTML = &j.ContentText, false
	} else {
		j.ContentText = "" // of two forms one stays
	}
	j.Cut = &cut{ContentBytes: len(*content)}
	return j.shrink(content, isHTML), true
}

// shrink cuts content so that the whole fits: in proportion first, for a byte of
// content may take six of the payload, and then by what is still over, which is
// enough, for it takes at least one.
func (j *jsonItem) shrink(content *string, isHTML bool) []byte {
	full := *content
	payload := marshal(j)
	whole := len(payload)
	*content = ""
	rest := len(marshal(j))
	*content = full
	for n := len(full) * (MaxPayload - rest) / max(whole-rest, 1); len(payload) > MaxPayload; {
		*content = cutContent(full, n, isHTML)
		payload = marshal(j)
		if n == 0 && len(payload) > MaxPayload {
			panic(fmt.Sprintf("a payload of %d bytes without content", len(payload)))
		}
		n = max(0, n-max(0, len(payload)-MaxPayload))
	}
	return payload
}

// bound cuts everything but the content to its bound, and makes sure that there is
// content: "one or both must be present" (JSON Feed 1.1).
func (j *jsonItem) bound() {
	j.Title = clip(valid(j.Title), maxTitle)
	j.Summary = clip(valid(j.Summary), maxSummary)
	j.Language = clip(valid(j.Language), maxWord)
	j.ContentHTML, j.ContentText = valid(j.ContentHTML), valid(j.ContentText)
	j.ID = valid(j.ID)
	j.Tags = j.Tags[:min(len(j.Tags), maxTags)]
	for i, tag := range j.Tags {
		j.Tags[i] = clip(valid(tag), maxWord)
	}
	j.Authors = j.Authors[:min(len(j.Authors), maxAuthors)]
	for i := range j.Authors {
		j.Authors[i].Name = clip(valid(j.Authors[i].Name), maxWord)
	}
	j.Attachments = j.Attachments[:min(len(j.Attachments), maxAttachments)]
	for i := range j.Attachments {
		j.Attachments[i].MIMEType = clip(valid(j.Attachments[i].MIMEType), maxWord)
		j.Attachments[i].Title = clip(valid(j.Attachments[i].Title), maxWord)
	}
	for _, text := range []string{j.Summary, j.Title, j.URL, j.ExternalURL} {
		if j.ContentHTML == "" && j.ContentText == "" {
			j.ContentText = text
		}
	}
}

// cutContent keeps at most n bytes of s and adds cutMark; in HTML it cuts before
// a tag or character reference that would be cut in two.
func cutContent(s string, n int, html bool) string {
	s = clip(s, n)
	if html {
		if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
			s = s[:open]
		}
		if open := strings.LastIndexByte(s, '&'); open >= 0 && len(s)-open < 12 && !strings.Contains(s[open:], ";") {
			s = s[:open]
		}
	}
	return s + cutMark
}

// clip keeps at most n bytes of s, whole runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// marshal encodes without escaping HTML, which would double its size.
func marshal(j *jsonItem) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		panic(err) // strings and numbers always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
