package mirror

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkFeed checks what holds of every Feed.
func checkFeed(t *testing.T, feed *Feed) {
	t.Helper()
	if len(feed.Items) > MaxEntries || len(feed.Title) > maxTitle {
		t.Errorf("%d items, a title of %d bytes", len(feed.Items), len(feed.Title))
	}
	seen, truncated := map[string]bool{}, 0
	for _, item := range feed.Items {
		if item.Key == "" || len(item.Key) > MaxKey || seen[item.Key] {
			t.Errorf("key %q is empty, too long, or there twice", item.Key)
		}
		seen[item.Key] = true
		if item.Truncated {
			truncated++
		}
		if len(item.Payload) > MaxPayload {
			t.Errorf("payload of %d bytes", len(item.Payload))
		}
		var j jsonItem
		if err := json.Unmarshal(item.Payload, &j); err != nil {
			t.Errorf("payload is no JSON: %v", err)
		}
		// JSON Feed 1.1: id is required; content_html or content_text must be there
		// (where there is nothing but an attachment we leave both out).
		if j.ID == "" || j.ContentHTML == "" && j.ContentText == "" && len(j.Attachments) == 0 {
			t.Errorf("no JSON Feed item: %s", item.Payload)
		}
	}
	if truncated != feed.Truncated {
		t.Errorf("%d items are truncated, the feed says %d", truncated, feed.Truncated)
	}
}

// TestTruncation: content that is too long is cut to just under the bound, marked
// for people and for programs.
func TestTruncation(t *testing.T) {
	for _, tt := range []struct{ name, kind, unit string }{
		{"text", "content_text", "word "},
		{"two-byte runes", "content_text", "é"},
		{"escaped six-fold", "content_text", "\x01"},
		{"tags", "content_html", `<a href="https://x.example/">x</a>`},
		{"references", "content_html", "<p>&amp;&amp;</p>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			content := strings.Repeat(tt.unit, 2*MaxPayload/len(tt.unit))
			unit, _ := json.Marshal(content)
			body := fmt.Sprintf(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1",%q:%s}]}`, tt.kind, unit)
			feed := mustParse(t, []byte(body), "")
			if feed.Truncated != 1 || !feed.Items[0].Truncated {
				t.Fatal("not truncated")
			}
			payload := feed.Items[0].Payload
			if len(payload) < MaxPayload*9/10 {
				t.Errorf("only %d bytes of %d are used", len(payload), MaxPayload)
			}
			var j jsonItem
			if err := json.Unmarshal(payload, &j); err != nil {
				t.Fatal(err)
			}
			kept, marked := strings.CutSuffix(j.ContentHTML+j.ContentText, cutMark)
			if !marked || !strings.HasPrefix(content, kept) || !utf8.ValidString(kept) {
				t.Errorf("cut to %q…%q", kept[:20], kept[len(kept)-20:])
			}
			if tt.kind == "content_html" && strings.LastIndex(kept, "<") > strings.LastIndex(kept, ">") {
				t.Errorf("a tag is cut in two: …%q", kept[len(kept)-20:])
			}
			if tt.kind == "content_html" && strings.LastIndex(kept, "&") > strings.LastIndex(kept, ";") {
				t.Errorf("a reference is cut in two: …%q", kept[len(kept)-20:])
			}
			if j.Cut == nil || j.Cut.ContentBytes != len(content) {
				t.Errorf("cut = %+v, want %d bytes", j.Cut, len(content))
			}
		})
	}
}

// TestFieldBounds reaches every bound of a payload at once: together they must
// leave room, or encode panics.
func TestFieldBounds(t *testing.T) {
	long := strings.Repeat("\x01", MaxPayload) // six bytes each in JSON
	addr := "https://x.example/" + strings.Repeat("a", maxURL-len("https://x.example/"))
	j := jsonItem{ID: strings.Repeat("\x01", maxURL), URL: addr, ExternalURL: addr, Image: addr, BannerImage: addr,
		Title: long, Summary: long, ContentHTML: long, ContentText: long, Language: long,
		DatePublished: "2026-03-01T10:00:00Z", DateModified: "2026-03-01T10:00:00Z"}
	for range 100 {
		j.Tags = append(j.Tags, long)
		j.Authors = append(j.Authors, author{Name: long, URL: addr, Avatar: addr})
		j.Attachments = append(j.Attachments, attachment{URL: addr, MIMEType: long, Title: long, Size: 1 << 62, Duration: 1 << 62})
	}
	payload, truncated := j.encode()
	if !truncated || len(payload) > MaxPayload {
		t.Errorf("%d bytes, truncated %v", len(payload), truncated)
	}
	if len(j.Tags) != maxTags || len(j.Authors) != maxAuthors || len(j.Attachments) != maxAttachments ||
		len(j.Title) != maxTitle || len(j.Summary) != maxSummary || len(j.Tags[0]) != maxWord {
		t.Errorf("%d tags, %d authors, %d attachments, title %d, summary %d, tag %d", len(j.Tags), len(j.Authors),
			len(j.Attachments), len(j.Title), len(j.Summary), len(j.Tags[0]))
	}
}

// TestLinks: relative links are resolved against the home page, and what a reader
// should not follow is left out.
func TestLinks(t *testing.T) {
	c := newConverter(mustParseDocument(t, readFile(t, "testdata/rss.xml")), "http://found.example/feed")
	for in, want := range map[string]string{
		"/a": "https://harbour.example/a", " https://x.example/ ": "https://x.example/", "b?c": "https://harbour.example/b?c",
		"javascript:alert(1)": "", "JavaScript:x": "", "data:text/html,x": "", "": "", "http://[bad": "",
		"https://x.example/" + strings.Repeat("a", maxURL): "", "mailto:x@y.example": "mailto:x@y.example",
	} {
		if got := c.link(in); got != want {
			t.Errorf("link(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		" text ": "text", "a &lt; b &amp; c": "a < b & c", "<p>one</p><p>two</p>": "one two",
		"f<b>oo</b>": "foo", "a<br>b": "a b", "a<script>x()</script>b<style>p{}</style>": "ab", "a < b": "a < b", "<": "<",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
	if got := plain("<p>" + strings.Repeat("x", 1<<20)); len(got) > 2<<20 {
		t.Errorf("%d bytes", len(got))
	}
}
