package mirror

import (
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

func TestKey(t *testing.T) {
	long := strings.Repeat("x", MaxKey)
	for _, tt := range []struct{ guid, link, scope, want string }{
		{"https://a.example/1", "https://b.example/", "s", "id:https://a.example/1"},
		{"tag:a.example,2026:1", "", "s", "id:tag:a.example,2026:1"},
		{"urn:uuid:1225c695", "", "s", "id:urn:uuid:1225c695"},
		{" 42 ", "https://b.example/", "a.example", "id:42 a.example"},
		{"12:30 report", "", "a.example", "id:12:30 report a.example"},
		{"", "https://b.example/1", "s", "link:https://b.example/1"},
		{"urn:" + long, "", "", "long:"},
		{"", "", "s", "hash:"},
	} {
		got := key(tt.guid, tt.link, tt.scope, "title", "text")
		if got != tt.want && !(strings.HasSuffix(tt.want, ":") && strings.HasPrefix(got, tt.want)) {
			t.Errorf("key(%q, %q, %q) = %q, want %q", tt.guid, tt.link, tt.scope, got, tt.want)
		}
		if len(got) > MaxKey {
			t.Errorf("a key of %d bytes", len(got))
		}
	}
	if key("", "", "", "ab", "c") == key("", "", "", "a", "bc") {
		t.Error("two contents have one key")
	}
	if key("urn:"+long+"a", "", "") == key("urn:"+long+"b", "", "") {
		t.Error("two long names have one key")
	}
}

// TestScope: a document that moves, by http or https, keeps its scope.
func TestScope(t *testing.T) {
	for _, tt := range []struct{ home, found, want string }{
		{"https://A.example/blog/", "http://cdn.example/1", "a.example/blog"},
		{"http://a.example/blog", "", "a.example/blog"},
		{"/blog", "https://a.example/feed", "a.example/feed"},
		{"", "", ""},
	} {
		if got := scope(tt.home, tt.found); got != tt.want {
			t.Errorf("scope(%q, %q) = %q, want %q", tt.home, tt.found, got, tt.want)
		}
	}
}

func mustParseDocument(t *testing.T, body []byte) *gofeed.Feed {
	t.Helper()
	src, err := parseDocument(body)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
