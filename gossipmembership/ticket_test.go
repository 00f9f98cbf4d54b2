package gossipmembership

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/quilt-p2p/quilt/protocol"
)

func testTicket(t testing.TB) Ticket {
	_, a := testKey(t, 7)
	_, b := testKey(t, 8)
	return Ticket{
		Peers: []Contact{
			{Peer: a, Addrs: []string{"\x04\x7f\x00\x00\x01\x06\x0f\xa1", "\x04\x7f\x00\x00\x01\x91\x02\x0f\xa1\xcd\x03"}},
			{Peer: b},
		},
		Topics: []string{"news"},
	}
}

func encodeTicket(t testing.TB, ticket Ticket) string {
	t.Helper()
	text, err := ticket.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A ticket on paper stays readable: this vector never changes.
const goldenTicket = "" +
	"quilt1aitaajaiaejcb2sknrr6fhcsbk7pkud3cmxml6mvi53k5pv6pojeehxknekenurmaieai7yaaaaqmd5bbmch" +
	"6aaaagiqed5bzubsmabebaareiattd3cy3i2iv6fdotkjnpt3pjpnh6ksmqwegg4rgl6ifv5c7mtziaacbdomv3xhl" +
	"7ojp2q"

func TestTicketGoldenVector(t *testing.T) {
	want := testTicket(t)
	if got := encodeTicket(t, want); got != goldenTicket {
		t.Errorf("ticket encodes as\n%s, want\n%s", got, goldenTicket)
	}
	got, err := ParseTicket(goldenTicket)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseTicket = %+v, %v", got, err)
	}
}

// Any one wrong, missing or additional character is found, at every place; and any
// two neighbours exchanged.
func TestTicketFindsEveryWrongCharacter(t *testing.T) {
	text := encodeTicket(t, testTicket(t))
	refuse := func(what string, at int, bad string) {
		t.Helper()
		var problem *TicketError
		switch _, err := ParseTicket(bad); {
		case err == nil:
			t.Errorf("%s at %d is not found", what, at)
		case !errors.As(err, &problem) || problem.Problem == "" || problem.Advice == "":
			t.Errorf("%s at %d: %v is no error for a person", what, at, err)
		}
	}
	for i := range len(text) {
		for c := range 256 {
			same := c < unicode.MaxASCII && unicode.ToLower(rune(c)) == rune(text[i])
			if !same {
				refuse("character "+string(rune(c)), i, text[:i]+string([]byte{byte(c)})+text[i+1:])
			}
		}
		refuse("missing character", i, text[:i]+text[i+1:])
		for _, c := range "abcdefghijklmnopqrstuvwxyz234567" {
			refuse("additional character", i, text[:i]+string(c)+text[i:])
		}
		if i > 0 && text[i] != text[i-1] {
			refuse("exchange", i, text[:i-1]+text[i:i+1]+text[i-1:i]+text[i+1:])
		}
	}
}

func TestTicketTolerates(t *testing.T) {
	want := testTicket(t)
	text := encodeTicket(t, want)
	for name, form := range map[string]string{
		"upper case":  strings.ToUpper(text),
		"mixed case":  strings.ToUpper(text[:20]) + text[20:],
		"line breaks": "\n " + text[:30] + "\r\n\t" + text[30:60] + "\u00a0\u200b" + text[60:] + "  \n",
	} {
		if got, err := ParseTicket(form); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range strings.ToUpper(text) {
		if !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", c) {
			t.Fatalf("%q is not in a QR code's alphanumeric mode", c)
		}
	}
}

func TestTicketErrorsHelp(t *testing.T) {
	good := encodeTicket(t, testTicket(t))
	unreadable := ticketText([]byte{9, 9, 9})
	tests := []struct{ name, text, want string }{
		{"empty", " \n", "empty"},
		{"something else", "https://example.org/", "does not begin with \"quilt1\""},
		{"newer", "quilt2" + good[6:], "update quilt-peer"},
		{"misread", good[:10] + "0" + good[11:], "0 is the letter o"},
		{"cut off", good[:len(good)-9], "damaged"},
		{"only the prefix", "quilt1", "damaged"},
		{"other contents", unreadable, "undamaged"},
		{"a book", strings.Repeat("quilt1", 10000), "no ticket has more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseTicket(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not contain %q", err, test.want)
			}
		})
	}
}

func TestTicketBounds(t *testing.T) {
	_, id := testKey(t, 1)
	addrs := func(n, size int) (list []string) {
		for range n {
			list = append(list, strings.Repeat("\x04", size))
		}
		return list
	}
	full := Ticket{}
	for range MaxTicketPeers {
		full.Peers = append(full.Peers, Contact{Peer: id, Addrs: addrs(MaxAddrs, MaxAddrLen)})
	}
	for range MaxTicketTopics {
		full.Topics = append(full.Topics, strings.Repeat("t", protocol.MaxTopicName))
	}
	text := encodeTicket(t, full)
	if len(text) > maxTicketText {
		t.Errorf("a full ticket has %d characters, which ParseTicket refuses", len(text))
	}
	if got, err := ParseTicket(text); err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("a full ticket: %v", err)
	}
	one := []Contact{{Peer: id}}
	for name, bad := range map[string]Ticket{
		"no peers":      {},
		"many peers":    {Peers: append(full.Peers, one...)},
		"no peer ID":    {Peers: []Contact{{Peer: "nonsense"}}},
		"many addrs":    {Peers: []Contact{{Peer: id, Addrs: addrs(MaxAddrs+1, 1)}}},
		"long address":  {Peers: []Contact{{Peer: id, Addrs: addrs(1, MaxAddrLen+1)}}},
		"empty address": {Peers: []Contact{{Peer: id, Addrs: []string{""}}}},
		"many topics":   {Peers: one, Topics: append(full.Topics, "t")},
		"long topic":    {Peers: one, Topics: []string{strings.Repeat("t", protocol.MaxTopicName+1)}},
		"empty topic":   {Peers: one, Topics: []string{""}},
		"binary topic":  {Peers: one, Topics: []string{"\xff"}},
	} {
		if _, err := bad.Encode(); err == nil {
			t.Errorf("%s: encodes", name)
		}
		if _, err := ParseTicket(ticketText(bad.appendTo(nil))); err == nil {
			t.Errorf("%s: decodes", name)
		}
	}
}

func FuzzParseTicket(f *testing.F) {
	f.Add(encodeTicket(f, testTicket(f)))
	f.Add(strings.ToUpper(goldenTicket))
	f.Add("quilt2")
	f.Fuzz(func(t *testing.T, text string) {
		ticket, err := ParseTicket(text)
		if err != nil {
			return
		}
		want, _ := ticketChars(text)
		if again, err := ticket.Encode(); err != nil || again != want {
			t.Errorf("%q decodes, and encodes as %q, %v", text, again, err)
		}
	})
}

// The checksum hides what is behind it from a fuzzer, so this one adds it.
func FuzzTicketContents(f *testing.F) {
	f.Add(testTicket(f).appendTo(nil))
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := ticketText(payload)
		ticket, err := ParseTicket(text)
		if err != nil {
			return
		}
		if again, err := ticket.Encode(); err != nil || again != text {
			t.Errorf("%x decodes, and encodes as %q, %v", payload, again, err)
		}
	})
}
