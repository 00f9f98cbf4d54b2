package mirror

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFormats: each format's documents become the JSON Feed items that say the
// same, oldest first.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		file, title, format string
		skipped             int
		want                [][2]string // key, payload
	}{
		{
			file: "rss.xml", title: "The Harbour Notes", format: "rss", skipped: 1,
			want: [][2]string{
				{"hash:", `{"id":"hash:KEY","content_text":"A note without a title, guid, link or date: it has only this.","language":"en"}`},
				{"link:https://harbour.example/notes/2", `{"id":"https://harbour.example/notes/2",` +
					`"url":"https://harbour.example/notes/2","title":"Fog","content_text":"Nothing moves.",` +
					`"date_published":"2026-03-03T08:00:00Z","language":"en"}`},
				{"id:note-3 harbour.example", `{"id":"note-3","url":"https://harbour.example/notes/3",` +
					`"title":"The ferry is back","content_html":"<p>It sails <b>again</b>, at noon &amp; at six.</p>",` +
					`"summary":"It sails again. At noon.","date_published":"2026-03-04T08:00:00Z",` +
					`"authors":[{"name":"Ines"}],"tags":["ferry","repairs"],"language":"en",` +
					`"attachments":[{"url":"https://harbour.example/horn.mp3","mime_type":"audio/mpeg","size_in_bytes":1234}]}`},
			},
		},
		{
			file: "atom.xml", title: "Werkstatt", format: "atom",
			want: [][2]string{
				{"id:tag:werkstatt.example,2026:1", `{"id":"tag:werkstatt.example,2026:1",` +
					`"url":"https://werkstatt.example/1","title":"Erster","content_text":"a < b",` +
					`"date_published":"2026-03-01T10:00:00Z","date_modified":"2026-03-01T10:00:00Z",` +
					`"authors":[{"name":"Kim"}],"language":"de"}`},
				{"id:tag:werkstatt.example,2026:2", `{"id":"tag:werkstatt.example,2026:2",` +
					`"url":"https://werkstatt.example/2","title":"Zweiter","content_html":"<p>Lang gesagt</p>",` +
					`"summary":"Kurz gesagt","date_published":"2026-03-02T08:00:00Z",` +
					`"date_modified":"2026-03-02T10:00:00Z","authors":[{"name":"Jo"}],"language":"de"}`},
			},
		},
		{
			file: "feed.json", title: "Station 7", format: "json",
			want: [][2]string{
				{"id:https://station.example/6", `{"id":"https://station.example/6","content_text":"only <text>",` +
					`"date_published":"2026-03-04T12:00:00Z","authors":[{"name":"The station"}]}`},
				{"id:7 station.example", `{"id":"7","url":"https://station.example/7",` +
					`"external_url":"https://elsewhere.example/x","title":"Both forms",` +
					`"content_html":"<p>wind &amp; rain</p>","content_text":"wind & rain","summary":"weather",` +
					`"image":"https://station.example/img/7.png","date_published":"2026-03-05T12:00:00+01:00",` +
					`"authors":[{"name":"Lee","url":"https://lee.example/"}],"tags":["weather"],` +
					`"attachments":[{"url":"https://station.example/7.ogg","mime_type":"audio/ogg","size_in_bytes":99,"duration_in_seconds":3}]}`},
			},
		},
	} {
		t.Run(tt.file, func(t *testing.T) {
			feed := mustParse(t, readFile(t, "testdata/"+tt.file), "http://found.example/feed")
			if feed.Title != tt.title || feed.Format != tt.format || feed.Skipped != tt.skipped || feed.Truncated != 0 {
				t.Errorf("feed = %q, %q, skipped %d, truncated %d", feed.Title, feed.Format, feed.Skipped, feed.Truncated)
			}
			if len(feed.Items) != len(tt.want) {
				t.Fatalf("%d items, want %d", len(feed.Items), len(tt.want))
			}
			for i, item := range feed.Items {
				key, payload := tt.want[i][0], tt.want[i][1]
				if key == "hash:" && strings.HasPrefix(item.Key, key) {
					key, payload = item.Key, strings.Replace(payload, "hash:KEY", item.Key, 1)
				}
				if item.Key != key || item.ContentType != ContentType {
					t.Errorf("item %d: key %q, content type %q; want key %q", i, item.Key, item.ContentType, key)
				}
				if string(item.Payload) != payload {
					t.Errorf("item %d:\n got %s\nwant %s", i, item.Payload, payload)
				}
			}
		})
	}
}

// TestBroken: what is no feed says what it is, and never passes for an empty one.
func TestBroken(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"empty", " \n", "the document is empty"},
		{"text", "hello", "neither RSS, Atom nor JSON Feed"},
		{"page", "<!DOCTYPE html><html><body>Hi", "this is a web page, not a feed: give the address"},
		{"page that names a feed", `<html><head><link rel="stylesheet" href="x.css">` +
			`<link rel="alternate" type="application/rss+xml" href="/feed.xml"></head>`,
			"try the feed it names, https://site.example/feed.xml"},
		{"other XML", "<svg><path/></svg>", "neither RSS, Atom nor JSON Feed"},
		{"cut RSS", "<rss version=\"2.0\"><channel><title>x</title><item><title>y", "broken"},
		{"cut JSON", `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":`, "broken"},
		{"other JSON", `{"hello":"world"}`, "no JSON Feed"},
	} {
		feed, err := Parse([]byte(tt.body), "https://site.example/about")
		if err == nil {
			t.Errorf("%s: parsed as %+v", tt.name, feed)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q does not contain %q", tt.name, err, tt.want)
		}
	}
}

// TestOrder: oldest first, by dates where all have one, else by the document's
// order turned round, unless its dates say that it is oldest first already.
func TestOrder(t *testing.T) {
	const d1, d2, d3 = "Sun, 01 Mar 2026 00:00:00 GMT", "Mon, 02 Mar 2026 00:00:00 GMT", "Tue, 03 Mar 2026 00:00:00 GMT"
	for _, tt := range []struct {
		name  string
		dates []string // of entries 0, 1, 2, …
		want  []int
	}{
		{"none dated", []string{"", "", ""}, []int{2, 1, 0}},
		{"newest first", []string{d3, d2, d1}, []int{2, 1, 0}},
		{"oldest first", []string{d1, d2, d3}, []int{0, 1, 2}},
		{"mixed", []string{d2, d3, d1}, []int{2, 0, 1}},
		{"same date", []string{d1, d1, d1}, []int{2, 1, 0}},
		{"some dated, newest first", []string{d3, "", d1}, []int{2, 1, 0}},
		{"some dated, oldest first", []string{d1, "", d3}, []int{0, 1, 2}},
		{"a date that is none", []string{d1, "yesterday", d3}, []int{0, 1, 2}},
	} {
		var b strings.Builder
		for i, date := range tt.dates {
			fmt.Fprintf(&b, "<item><guid>urn:x:%d</guid><title>t</title>", i)
			if date != "" {
				fmt.Fprintf(&b, "<pubDate>%s</pubDate>", date)
			}
			b.WriteString("</item>")
		}
		var want []string
		for _, i := range tt.want {
			want = append(want, fmt.Sprintf("id:urn:x:%d", i))
		}
		if got := keys(mustParse(t, rss(b.String()), "")); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tt.name, got, want)
		}
	}
}

// TestMaxEntries: of a document with too many entries the newest are taken.
func TestMaxEntries(t *testing.T) {
	var b strings.Builder
	for i := range MaxEntries + 5 {
		fmt.Fprintf(&b, "<item><guid>urn:x:%d</guid><title>t</title></item>", i)
	}
	feed := mustParse(t, rss(b.String()), "")
	if len(feed.Items) != MaxEntries || feed.Skipped != 5 {
		t.Fatalf("%d items, %d skipped", len(feed.Items), feed.Skipped)
	}
	if first, last := feed.Items[0].Key, feed.Items[MaxEntries-1].Key; first != "id:urn:x:999" || last != "id:urn:x:0" {
		t.Errorf("items from %s to %s", first, last)
	}
}

// TestTwice: two entries of one name are one, in its newer version.
func TestTwice(t *testing.T) {
	feed := mustParse(t, rss("<item><guid>urn:x:1</guid><title>new</title></item>"+
		"<item><guid>urn:x:2</guid><title>two</title></item>"+
		"<item><guid>urn:x:1</guid><title>old</title></item>"), "")
	if got := keys(feed); !slices.Equal(got, []string{"id:urn:x:1", "id:urn:x:2"}) || feed.Skipped != 1 {
		t.Fatalf("keys %v, skipped %d", got, feed.Skipped)
	}
	if p := string(feed.Items[0].Payload); !strings.Contains(p, `"title":"new"`) {
		t.Errorf("the older version stayed: %s", p)
	}
}

// FuzzParse: whatever the bytes, what comes out is within its bounds, and comes
// out again.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"rss.xml", "atom.xml", "feed.json"} {
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`<rdf:RDF xmlns:rdf="x"><item><link>javascript:x</link></item></rdf:RDF>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		feed, err := Parse(body, "http://found.example/feed")
		if err != nil {
			return
		}
		checkFeed(t, feed)
		again := mustParse(t, body, "http://found.example/feed")
		if !slices.Equal(keys(feed), keys(again)) {
			t.Errorf("keys differ from one parse to the next: %q, %q", keys(feed), keys(again))
		}
	})
}

func mustParse(t *testing.T, body []byte, base string) *Feed {
	t.Helper()
	feed, err := Parse(body, base)
	if err != nil {
		t.Fatal(err)
	}
	checkFeed(t, feed)
	return feed
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// rss makes a document of items.
func rss(items string) []byte {
	return []byte(`<rss version="2.0"><channel><title>T</title>` + items + `</channel></rss>`)
}

func keys(feed *Feed) (keys []string) {
	for _, item := range feed.Items {
		keys = append(keys, item.Key)
	}
	return keys
}
