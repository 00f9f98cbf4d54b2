package protocol

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// note is a message for tests.
type note struct {
	kind uint8
	body string
}

func (n note) Kind() uint8              { return n.kind }
func (n note) AppendTo(b []byte) []byte { return append(b, n.body...) }

func TestFrame(t *testing.T) {
	news := TopicOf("news")
	tests := []struct {
		topic  TopicID
		object ObjectID
		msg    note
		want   string
	}{
		{TopicID{}, ObjectHost, note{3, "body"}, "\x00\x00\x03body"},
		{TopicID{}, ObjectView, note{0, ""}, "\x00\x01\x00"},
		{news, ObjectRepair, note{255, "x"}, "\x01" + string(news[:]) + "\x03\xffx"},
		{news, 300, note{1, ""}, "\x01" + string(news[:]) + "\xac\x02\x01"},
		{news, 1<<32 - 1, note{1, ""}, "\x01" + string(news[:]) + "\xff\xff\xff\xff\x0f\x01"},
	}
	for _, test := range tests {
		b := AppendFrame([]byte("before"), test.topic, test.object, test.msg)
		if string(b) != "before"+test.want {
			t.Errorf("got %q, want %q", b, test.want)
		}
		f, err := ParseFrame([]byte(test.want))
		if err != nil || f.Topic != test.topic || f.Object != test.object || f.Kind != test.msg.kind || string(f.Body) != test.msg.body {
			t.Errorf("%q: got %+v, %v", test.want, f, err)
		}
	}
}

func TestParseFrameRefuses(t *testing.T) {
	news := TopicOf("news")
	tests := []struct {
		name, bytes string
		want        error
	}{
		{"nothing", "", ErrTruncated},
		{"no object", "\x00", ErrTruncated},
		{"no kind", "\x00\x00", ErrTruncated},
		{"topic cut short", "\x01" + string(news[:15]), ErrTruncated},
		{"a flag unknown", "\x02\x00\x00", ErrMalformed},
		{"another beside the known one", "\x03" + string(news[:]) + "\x00\x00", ErrMalformed},
		{"the zero topic spelt out", "\x01" + strings.Repeat("\x00", 16) + "\x00\x00", ErrMalformed},
		{"an object not minimal", "\x00\x80\x00\x00", ErrMalformed},
		{"an object too large", "\x00\x80\x80\x80\x80\x10\x00", ErrMalformed},
		{"too long", "\x00\x00\x00" + strings.Repeat("x", MaxFrame-2), ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if f, err := ParseFrame([]byte(test.bytes)); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v, want %v", f, err, test.want)
			}
		})
	}
	if _, err := ParseFrame([]byte("\x00\x00\x00" + strings.Repeat("x", MaxFrame-3))); err != nil {
		t.Errorf("a frame of %d bytes: %v", MaxFrame, err)
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x03body"))
	f.Add(AppendFrame(nil, TopicOf("news"), 300, note{1, "x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseFrame(b)
		if err != nil {
			return
		}
		if again := AppendFrame(nil, frame.Topic, frame.Object, note{frame.Kind, string(frame.Body)}); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

// The largest item fits into a frame with all that carries it.
func TestLargestItemFits(t *testing.T) {
	it := NewItem("news", "author", 1, make([]byte, MaxItemSize-100))
	if n := len(AppendFrame(nil, it.Topic, 1<<32-1, Carry{Item: it})) + MaxItemSize - len(it.Bytes); n > MaxFrame {
		t.Errorf("a frame of %d bytes", n)
	}
}
