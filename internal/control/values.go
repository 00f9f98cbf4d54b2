package control

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Body is a payload in JSON: text where it is valid UTF-8, else base64.
type Body struct {
	Text   *string `json:"payload,omitempty"`
	Binary []byte  `json:"payload_base64,omitempty"`
}

// NewBody returns the body for a payload.
func NewBody(payload []byte) Body {
	if !utf8.Valid(payload) {
		return Body{Binary: payload}
	}
	text := string(payload)
	return Body{Text: &text}
}

// Bytes returns the payload.
func (b Body) Bytes() []byte {
	if b.Text != nil {
		return []byte(*b.Text)
	}
	return b.Binary
}

// Duration is a time.Duration that is written as Go writes it, "1m30s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(d).String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// Since is where a reader begins. Exactly one of the fields is set.
type Since struct {
	All bool          // everything held
	Now bool          // what comes from now on
	Seq uint64        // each author's entries with this number or a higher one
	Age time.Duration // what this host received in the last so much time
}

// ParseSince reads "all" (or nothing), "now", a sequence number, or a duration.
func ParseSince(s string) (Since, error) {
	switch s {
	case "", "all":
		return Since{All: true}, nil
	case "now":
		return Since{Now: true}, nil
	}
	if seq, err := strconv.ParseUint(s, 10, 64); err == nil && seq > 0 {
		return Since{Seq: seq}, nil
	}
	if age, err := time.ParseDuration(s); err == nil && age > 0 {
		return Since{Age: age}, nil
	}
	return Since{}, NewError(CodeUsage, fmt.Sprintf("%q is no place to begin", s),
		`give "all", "now", a sequence number such as 17, or a duration such as 10m`)
}
