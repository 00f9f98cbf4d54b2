package control

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseSince(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Since
	}{
		{"", Since{All: true}}, {"all", Since{All: true}}, {"now", Since{Now: true}},
		{"1", Since{Seq: 1}}, {"18446744073709551615", Since{Seq: 1<<64 - 1}},
		{"90s", Since{Age: 90 * time.Second}}, {"24h", Since{Age: 24 * time.Hour}},
	} {
		if got, err := ParseSince(tt.in); err != nil || got != tt.want {
			t.Errorf("ParseSince(%q) = %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"0", "-1", "-5m", "0s", "yesterday", "ALL", "18446744073709551616", " 1"} {
		if got, err := ParseSince(bad); CodeOf(err) != CodeUsage {
			t.Errorf("ParseSince(%q) = %+v, %v; want code %s", bad, got, err, CodeUsage)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "alice", "Zoë", "my-feed_2.0", "新聞", "9", strings.Repeat("x", MaxName)} {
		if err := CheckName(good); err != nil {
			t.Errorf("CheckName(%q) = %v", good, err)
		}
	}
	for _, bad := range []string{"", "#a", "/quilt/feed/x", "-a", ".a", "a b", "a\n", "a\xff", "a/b", "a#b", strings.Repeat("x", MaxName+1)} {
		if err := CheckName(bad); CodeOf(err) != CodeUsage {
			t.Errorf("CheckName(%q) = %v, want code %s", bad, err, CodeUsage)
		}
	}
}

// The forms on the wire are what scripts depend on.
func TestWireForms(t *testing.T) {
	at := time.Date(2026, 11, 21, 21, 4, 5, 6e6, time.UTC)
	for _, tt := range []struct {
		v    any
		want string
	}{
		{Event{Type: EventEntry, Topic: "a", TopicName: "/quilt/feed/x", Author: "x", Seq: 1, ID: "ab", Time: at,
			ContentType: "text/plain", Body: NewBody([]byte("a < b")), ReceivedFrom: "y"},
			`{"type":"entry","topic":"a","topic_name":"/quilt/feed/x","author":"x","seq":1,"id":"ab","time":"2026-11-21T21:04:05.006Z",` +
				`"content_type":"text/plain","payload":"a < b","received_from":"y"}`},
		{Event{Type: EventEntry, Body: NewBody([]byte{0xff})}, `{"type":"entry","payload_base64":"/w=="}`},
		{Event{Type: EventEntry, Body: NewBody(nil)}, `{"type":"entry","payload":""}`},
		{Event{Type: EventGap, First: 2, Last: 4}, `{"type":"gap","first":2,"last":4}`},
		{Event{Type: EventFork, Seq: 2, ID: "ab", OtherID: "cd"}, `{"type":"fork","seq":2,"id":"ab","other_id":"cd"}`},
		{PublishReply{Topic: "a", TopicName: "a", Seq: 1, ID: "ab"}, `{"topic":"a","topic_name":"a","seq":1,"id":"ab","stored_by":0}`},
		{NewError(CodeFull, "the disk is full", "make room"), `{"error":"the disk is full","hint":"make room","code":"full"}`},
		{MirrorRequest{Source: "s", Feed: "f", Interval: Duration(90 * time.Second)}, `{"source":"s","feed":"f","interval":"1m30s"}`},
	} {
		var b bytes.Buffer
		if err := encoder(&b).Encode(tt.v); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(b.String()); got != tt.want {
			t.Errorf("%T is written\n%s, want\n%s", tt.v, got, tt.want)
		}
	}
}

// Any bytes survive as a payload, as text where they can.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"", "hello", "\xff", "a\x00b", "\u2028<&>", "\ufffd", "\xed\xa0\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := json.Marshal(Event{Body: NewBody(payload)})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(e.Bytes(), payload) {
			t.Errorf("%q became %q", payload, e.Bytes())
		}
		if isText := e.Text != nil; isText != utf8.Valid(payload) {
			t.Errorf("%q was sent as text: %v", payload, isText)
		}
	})
}
