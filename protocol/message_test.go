package protocol

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestCarry(t *testing.T) {
	it := NewItem("news", "author", 1, []byte("data"))
	for _, want := range []Carry{{Item: it}, {Item: it, Flags: FlagRepaired, Hops: 255}} {
		b := want.AppendTo(nil)
		if len(b) != 2+len(it.Bytes) || want.Kind() != KindCarry {
			t.Errorf("%d bytes of kind %d", len(b), want.Kind())
		}
		got, err := DecodeCarry(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestDecodeCarryRefuses(t *testing.T) {
	tests := []struct {
		name, body string
		want       error
	}{
		{"nothing", "", ErrTruncated},
		{"no hops", "\x00", ErrTruncated},
		{"no item", "\x00\x00", ErrItemMalformed},
		{"a flag unknown", "\x02\x00" + signed, ErrMalformed},
		{"an item with more behind", "\x00\x00" + signed + "x", ErrItemMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if c, err := DecodeCarry([]byte(test.body)); !errors.Is(err, test.want) || c.Item != nil {
				t.Errorf("got %+v, %v, want %v", c, err, test.want)
			}
		})
	}
}

func FuzzDecodeCarry(f *testing.F) {
	f.Add([]byte("\x01\x07" + signed + sig))
	f.Add([]byte("\x00\x00" + from + seqno + topic))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCarry(b)
		if err != nil {
			return
		}
		if again := c.AppendTo(nil); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
