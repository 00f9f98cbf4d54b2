package feed

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// validEntry returns an entry that Validate accepts.
func validEntry() Entry {
	return Entry{Type: Post, Seq: 2, Prev: protocol.ItemID{1}, Time: 1793491200000, ContentType: "text/plain", Payload: []byte("text")}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Entry)
		ok     bool
	}{
		{"as it is", func(*Entry) {}, true},
		{"first", func(e *Entry) { e.Seq, e.Prev = 1, protocol.ItemID{} }, true},
		{"unknown type", func(e *Entry) { e.Type = 200 }, true},
		{"greatest sequence number", func(e *Entry) { e.Seq = MaxSeq }, true},
		{"greatest time", func(e *Entry) { e.Time = MaxTime }, true},
		{"longest content type", func(e *Entry) { e.ContentType = strings.Repeat("a", MaxContentType) }, true},
		{"greatest payload", func(e *Entry) { e.Payload = make([]byte, MaxPayload) }, true},
		{"no content type, no payload", func(e *Entry) { e.ContentType, e.Payload = "", nil }, true},
		{"type 0", func(e *Entry) { e.Type = 0 }, false},
		{"sequence number 0", func(e *Entry) { e.Seq, e.Prev = 0, protocol.ItemID{} }, false},
		{"sequence number too great", func(e *Entry) { e.Seq = MaxSeq + 1 }, false},
		{"first with a previous one", func(e *Entry) { e.Seq = 1 }, false},
		{"second without a previous one", func(e *Entry) { e.Prev = protocol.ItemID{} }, false},
		{"before 1970", func(e *Entry) { e.Time = -1 }, false},
		{"year 10000", func(e *Entry) { e.Time = MaxTime + 1 }, false},
		{"content type too long", func(e *Entry) { e.ContentType = strings.Repeat("a", MaxContentType+1) }, false},
		{"content type with an escape", func(e *Entry) { e.ContentType = "text/\x1b[2J" }, false},
		{"content type not ASCII", func(e *Entry) { e.ContentType = "text/ü" }, false},
		{"payload too large", func(e *Entry) { e.Payload = make([]byte, MaxPayload+1) }, false},
	}
	for _, tt := range tests {
		e := validEntry()
		tt.change(&e)
		err := e.Validate()
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrEntry) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if e.Seq > 1<<63 || e.Time < 0 {
			continue // cannot be encoded
		}
		// What Validate says of an entry, ParseEntry says of its encoding.
		got, err := ParseEntry(e.AppendTo(nil))
		if (err == nil) != tt.ok {
			t.Errorf("%s: ParseEntry: %v", tt.name, err)
		}
		if tt.ok && (got.Seq != e.Seq || got.Type != e.Type || !bytes.Equal(got.Payload, e.Payload)) {
			t.Errorf("%s: read back %+v", tt.name, got)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	e := validEntry()
	good := e.AppendTo(nil)
	if got, err := ParseEntry(good); err != nil || !reflect.DeepEqual(got, e) {
		t.Fatalf("%+v, %v", got, err)
	}
	header := len(good) - len(e.Payload)
	for n := range header {
		if _, err := ParseEntry(good[:n]); !errors.Is(err, protocol.ErrTruncated) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	other := bytes.Clone(good)
	other[0] = 2
	if _, err := ParseEntry(other); !errors.Is(err, ErrEntryVersion) {
		t.Errorf("version 2: %v", err)
	}
	long := append([]byte{Version, byte(Post), 0x82, 0x00}, good[3:]...) // seq 2 in two bytes
	if _, err := ParseEntry(long); !errors.Is(err, ErrEntry) {
		t.Errorf("a number not in minimal encoding: %v", err)
	}
}

// TestLargestEntry: what is within the bounds of an entry fits into an item.
func TestLargestEntry(t *testing.T) {
	e := Entry{Type: Post, Seq: MaxSeq, Prev: protocol.ItemID{1}, Time: MaxTime,
		ContentType: strings.Repeat("a", MaxContentType), Payload: make([]byte, MaxPayload)}
	it, err := SignEntry(testKey(t, 1), &e)
	if err != nil {
		t.Fatal(err)
	}
	if len(it.Data)-MaxPayload > maxHeader {
		t.Errorf("header of %d bytes, bound %d", len(it.Data)-MaxPayload, maxHeader)
	}
	if err := Check(it); err != nil {
		t.Error(err)
	}
}

func FuzzParseEntry(f *testing.F) {
	e := validEntry()
	f.Add(e.AppendTo(nil))
	f.Add((&Entry{Type: 9, Seq: 1}).AppendTo(nil))
	f.Add([]byte{1, 1, 0x82, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEntry(b)
		if err != nil {
			return
		}
		if err := e.Validate(); err != nil {
			t.Fatalf("parsed but not valid: %v", err)
		}
		if got := e.AppendTo(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x encodes again as %x", b, got)
		}
	})
}
