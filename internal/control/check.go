package control

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checked is a request that can say what is wrong with it. The server asks
// before the daemon sees the request.
type checked interface{ Check() error }

// Check reports what makes no sense about the request.
func (r PublishRequest) Check() error {
	if err := checkTopic(r.Topic); err != nil {
		return err
	}
	if r.Text != nil && r.Binary != nil {
		return usagef("the request has both payload and payload_base64")
	}
	if r.Text == nil && r.Binary == nil {
		return usagef("the request has no payload")
	}
	if n := len(r.Bytes()); n > MaxPayload {
		return NewError(CodeRefused, fmt.Sprintf("the payload has %d bytes", n),
			fmt.Sprintf("an entry takes at most %d (1000 KiB): publish a link to it, or parts", MaxPayload))
	}
	if len(r.ContentType) > MaxContentType {
		return usagef("the content type has %d bytes, at most %d are allowed", len(r.ContentType), MaxContentType)
	}
	if r.Wait < 0 || r.Wait > MaxWait {
		return usagef("cannot wait for %d peers, only for 0 to %d", r.Wait, MaxWait)
	}
	if r.Timeout < 0 {
		return usagef("the timeout is negative")
	}
	if len(r.Once) > MaxOnce {
		return usagef("the once key has %d bytes, at most %d are allowed", len(r.Once), MaxOnce)
	}
	return nil
}

// Check reports what makes no sense about the request.
func (r SubscribeRequest) Check() error {
	if err := checkTopic(r.Topic); err != nil {
		return err
	}
	if r.Count < 0 {
		return usagef("cannot read %d entries", r.Count)
	}
	_, err := ParseSince(r.Since)
	return err
}

// Check reports what makes no sense about the request.
func (r FollowRequest) Check() error {
	if strings.TrimSpace(r.Address) == "" {
		return usagef("no feed address or ticket is given")
	}
	if r.Name == "" {
		return nil
	}
	return CheckName(r.Name)
}

// Check reports what makes no sense about the request.
func (r MirrorRequest) Check() error {
	if r.Source == "" {
		return usagef("no document is given")
	}
	if r.Interval < 0 {
		return usagef("the interval is negative")
	}
	return CheckName(r.Feed)
}

// Check reports what makes no sense about the request.
func (r nameRequest) Check() error {
	if r.Name == "" {
		return usagef("no feed is named")
	}
	return nil
}

// Check reports what makes no sense about the request.
func (r newFeedRequest) Check() error { return CheckName(r.Name) }

// Check reports what makes no sense about the request.
func (r ticketRequest) Check() error {
	if len(r.Feeds) > MaxTicketFeeds {
		return usagef("a ticket can name at most %d feeds, not %d", MaxTicketFeeds, len(r.Feeds))
	}
	return nil
}

// Check reports what makes no sense about the request.
func (r addTicketRequest) Check() error {
	if strings.TrimSpace(r.Ticket) == "" {
		return usagef("no ticket is given")
	}
	return nil
}

// Check never fails.
func (r empty) Check() error { return nil }

// CheckName reports what is wrong with a local feed name. A name can be typed
// without quotes and cannot be taken for an address, an open topic or a flag.
func CheckName(name string) error {
	hint := fmt.Sprintf("use 1 to %d letters, digits, dots, dashes or underscores, "+
		"beginning with a letter or digit", MaxName)
	if len(name) == 0 || len(name) > MaxName || !utf8.ValidString(name) {
		return NewError(CodeUsage, fmt.Sprintf("%q cannot be a feed's name", name), hint)
	}
	for i, r := range name {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !plain && (i == 0 || !strings.ContainsRune("._-", r)) {
			return NewError(CodeUsage, fmt.Sprintf("%q cannot be a feed's name", name), hint)
		}
	}
	return nil
}

// checkTopic reports what is wrong with a topic as a person names it. 257: a
// name on the network has at most 256 bytes, and here "#" may precede it.
func checkTopic(topic string) error {
	switch {
	case topic == "" || topic == "#":
		return usagef("no topic is named")
	case len(topic) > 257 || !utf8.ValidString(topic):
		return usagef("the topic's name is longer than 256 bytes, or not text")
	case strings.IndexFunc(topic, unicode.IsControl) >= 0:
		return usagef("the topic's name has a control character in it")
	}
	return nil
}

// usagef returns an error that is the caller's fault and says it all.
func usagef(format string, args ...any) error {
	return NewError(CodeUsage, fmt.Sprintf(format, args...), "")
}
