package gossipmembership

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The text form of a ticket:
//
//	"quilt1" base32(binary form, CRC-32C of "quilt1" and the binary form)
//
// in lower case without padding. One character is five bits side by side, and a
// CRC of 32 bits finds every burst of up to 32 bits, so any one wrong character
// is found, as are up to six wrong ones in a row, and two neighbours exchanged.
// In upper case it fits a QR code's alphanumeric mode.
const (
	ticketFamily  = "quilt"
	ticketPrefix  = ticketFamily + "1"
	ticketCRCSize = 4
	// maxTicketText bounds the text in bytes: what the bounds of a ticket allow
	// (10,390 characters and the prefix), and white space.
	maxTicketText = 16 << 10
)

var (
	ticketBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	ticketCRC    = crc32.MakeTable(crc32.Castagnoli)
)

// Encode returns the text form, in lower case. An error says which bound the
// ticket is past.
func (t Ticket) Encode() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	return ticketText(t.appendTo(nil)), nil
}

// ticketText returns the text form of a binary one.
func ticketText(payload []byte) string {
	b := binary.BigEndian.AppendUint32(slices.Clone(payload), ticketSum(payload))
	return ticketPrefix + ticketBase32.EncodeToString(b)
}

// ParseTicket reads the text form, in upper or lower case, whatever white space or
// line breaks have come into it. All errors are *TicketError.
func ParseTicket(text string) (Ticket, error) {
	chars, err := ticketChars(text)
	if err != nil {
		return Ticket{}, err
	}
	digits, ok := strings.CutPrefix(chars, ticketPrefix)
	if !ok {
		return Ticket{}, foreignTicket(chars)
	}
	if i := strings.IndexFunc(digits, notBase32); i >= 0 {
		r, _ := utf8.DecodeRuneInString(digits[i:])
		return Ticket{}, &TicketError{
			fmt.Sprintf("the ticket contains the character %q, which no ticket has", r),
			"copy it again; if it was typed, 0 is the letter o, and 1 the letter l or i"}
	}
	b, err := ticketBase32.DecodeString(digits)
	// Re-encoding finds the bits beyond the last byte, which must be zero.
	if err != nil || ticketBase32.EncodeToString(b) != digits || len(b) < ticketCRCSize {
		return Ticket{}, errDamagedTicket
	}
	payload, sum := b[:len(b)-ticketCRCSize], b[len(b)-ticketCRCSize:]
	if binary.BigEndian.Uint32(sum) != ticketSum(payload) {
		return Ticket{}, errDamagedTicket
	}
	t, err := readTicket(payload)
	if err != nil {
		return Ticket{}, &TicketError{
			"the ticket is undamaged, but this version cannot read it (" + err.Error() + ")",
			"update quilt-peer, or ask for a ticket made by this version"}
	}
	return t, nil
}

var errDamagedTicket = &TicketError{
	"the ticket is damaged: a character is missing, wrong or too many",
	"copy the whole ticket again, from \"" + ticketPrefix + "\" to its last character"}

// foreignTicket says what a text is that does not begin as a ticket does.
func foreignTicket(chars string) error {
	switch rest, ours := strings.CutPrefix(chars, ticketFamily); {
	case chars == "":
		return &TicketError{"the ticket is empty", "paste the whole line that \"quilt-peer ticket\" prints"}
	case ours && rest != "" && rest[0] >= '2' && rest[0] <= '9':
		return &TicketError{
			"the ticket is of a newer kind (\"" + chars[:len(ticketPrefix)] + "\")",
			"update quilt-peer"}
	}
	return &TicketError{
		"this is no ticket: it does not begin with \"" + ticketPrefix + "\"",
		"paste the whole line that \"quilt-peer ticket\" prints"}
}

// ticketChars returns the text in lower case without white space, and without the
// invisible characters that some programs put into long words.
func ticketChars(text string) (string, error) {
	if len(text) > maxTicketText {
		return "", &TicketError{
			fmt.Sprintf("this is no ticket: it has %d bytes, and no ticket has more than %d", len(text), maxTicketText),
			"paste only the line that \"quilt-peer ticket\" prints"}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u200b', r == '\u00ad', r == '\ufeff':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return r
	}, text), nil
}

func ticketSum(payload []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(ticketPrefix), ticketCRC), ticketCRC, payload)
}

func notBase32(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
