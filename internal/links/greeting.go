package links

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// session names one attempt at a link by one process: the epoch is drawn at
// random when the process starts, the serial counts from 1. No clock is asked,
// so a host whose date jumps back is still understood.
type session struct {
	epoch, serial uint64
}

// isZero reports whether no session is meant.
func (s session) isZero() bool { return s == session{} }

// supersedes reports whether s is to take the place of old. Of one process the
// later attempt counts; of two processes the one heard of last, for a peer runs
// one at a time.
func (s session) supersedes(old session) bool {
	return s.epoch != old.epoch || s.serial > old.serial
}

// greeting is the first frame of a stream.
//
//	epoch:8 serial:8 answers.epoch:8 answers.serial:8 hello…
type greeting struct {
	session session
	// answers is the session of the peer that is answered, zero for who speaks
	// first.
	answers session
	hello   []byte
}

// greetingHead is the length of a greeting without hello.
const greetingHead = 32

// maxGreeting bounds a greeting in bytes.
const maxGreeting = greetingHead + MaxHello

// appendTo appends the encoded greeting, without the length of its frame.
func (g greeting) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, g.session.epoch)
	b = binary.BigEndian.AppendUint64(b, g.session.serial)
	b = binary.BigEndian.AppendUint64(b, g.answers.epoch)
	b = binary.BigEndian.AppendUint64(b, g.answers.serial)
	return append(b, g.hello...)
}

// parseGreeting reads a greeting; its hello aliases b.
func parseGreeting(b []byte) (greeting, error) {
	r := protocol.NewReader(b)
	g := greeting{
		session: session{r.Uint64(), r.Uint64()},
		answers: session{r.Uint64(), r.Uint64()},
	}
	if g.session.serial == 0 || g.answers.serial == 0 && !g.answers.isZero() {
		r.Fail()
	}
	g.hello = r.Rest()
	if len(g.hello) > MaxHello {
		r.Fail()
	}
	return g, r.Err()
}
