package main

import (
	"testing"
	"time"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ in, line, lines string }{
		{"plain ✓ Zoë", "plain ✓ Zoë", "plain ✓ Zoë"},
		{"a\nb\tc\r\n", "a b c ", "a\nb\tc\n"},
		{"\x1b]0;title\x07", "\uFFFD]0;title\uFFFD", "\uFFFD]0;title\uFFFD"},
		{"\u009b31m\x7f\x00", "\uFFFD31m\uFFFD\uFFFD", "\uFFFD31m\uFFFD\uFFFD"},
		{"txt.\u202eexe\u2066", "txt.\uFFFDexe\uFFFD", "txt.\uFFFDexe\uFFFD"},
		{"\xff", "\uFFFD", "\uFFFD"},
	} {
		if got := clean(tt.in); got != tt.line {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.line)
		}
		if got := cleanLines(tt.in); got != tt.lines {
			t.Errorf("cleanLines(%q) = %q, want %q", tt.in, got, tt.lines)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		n    uint64
		want string
	}{{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"}, {5 << 30, "5.0 GiB"}, {1<<64 - 1, "16.0 EiB"}} {
		if got := size(tt.n); got != tt.want {
			t.Errorf("size(%d) = %s, want %s", tt.n, got, tt.want)
		}
	}
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{{-1, "0s"}, {-time.Hour, "0s"}, {1500 * time.Millisecond, "2s"}, {302 * time.Second, "5m2s"},
		{3*time.Hour + 12*time.Minute + time.Second, "3h12m"}, {28 * time.Hour, "1d4h"}} {
		if got := ago(tt.d); got != tt.want {
			t.Errorf("ago(%v) = %s, want %s", tt.d, got, tt.want)
		}
	}
	if got := count(1, "entry", "entries") + ", " + count(2, "entry", "entries"); got != "1 entry, 2 entries" {
		t.Error(got)
	}
}

func TestRenderPayload(t *testing.T) {
	const feed = "application/feed+json"
	for _, tt := range []struct{ kind, payload, want string }{
		{"text/plain; charset=utf-8", "hi\x1b\nyou", "hi\uFFFD\nyou"},
		{"", "hi", "hi"},
		{"", "\xff\xfe", "[2 bytes of application/octet-stream; --raw prints them]"},
		{"image/png\x1b", "\xff", "[1 bytes of image/png\uFFFD; --raw prints them]"},
		{feed, `{"title":"T\u001b","url":"http://x"}`, "T\uFFFD <http://x>"},
		{feed + "; charset=utf-8", `{"title":"T"}`, "T"},
		{feed, `{"content_text":"first\nsecond","url":"u"}`, "first … <u>"},
		{feed, `{"url":"u"}`, "u"},
		{feed, `{}`, "{}"},
		{feed, `[1]`, "[1]"},
	} {
		if got := renderPayload(tt.kind, []byte(tt.payload)); got != tt.want {
			t.Errorf("renderPayload(%q, %q) = %q, want %q", tt.kind, tt.payload, got, tt.want)
		}
	}
}
