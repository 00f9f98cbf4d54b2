package links

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// recorder is a Handler that notes what it is told, and fails the test where the
// order of calls breaks the Handler's contract.
type recorder struct {
	t testing.TB

	mu      sync.Mutex
	log     map[protocol.PeerID][]string // up, down REASON, failed REASON, congested, drained
	up      map[protocol.PeerID]protocol.Link
	ups     map[protocol.PeerID]int
	frames  map[protocol.PeerID][][]byte
	hellos  map[protocol.PeerID]string
	dropped map[protocol.Class][]any
	found   map[protocol.PeerID][]string
	addrs   int
	refuse  bool
	gate    chan struct{} // Frame waits until it is closed; nil: it does not
	discard bool          // count frames only
	count   int
}

func newRecorder(t testing.TB) *recorder {
	return &recorder{
		t:       t,
		log:     make(map[protocol.PeerID][]string),
		up:      make(map[protocol.PeerID]protocol.Link),
		ups:     make(map[protocol.PeerID]int),
		frames:  make(map[protocol.PeerID][][]byte),
		hellos:  make(map[protocol.PeerID]string),
		dropped: make(map[protocol.Class][]any),
		found:   make(map[protocol.PeerID][]string),
	}
}

// linked fails the test where a call comes for a peer whose link is not up.
func (r *recorder) linked(p protocol.PeerID, call string) {
	if _, ok := r.up[p]; !ok {
		r.t.Errorf("%s for %s, whose link is not up; so far %q", call, p, r.log[p])
	}
}

func (r *recorder) note(p protocol.PeerID, format string, args ...any) {
	r.log[p] = append(r.log[p], fmt.Sprintf(format, args...))
}

func (r *recorder) Hello(p protocol.PeerID, hello []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hellos[p] = string(hello)
	if r.refuse {
		return errors.New("refused")
	}
	return nil
}

func (r *recorder) Up(l protocol.Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.up[l.Peer]; ok {
		r.t.Errorf("a second Up for %s; so far %q", l.Peer, r.log[l.Peer])
	}
	r.up[l.Peer] = l
	r.ups[l.Peer]++
	r.note(l.Peer, "up")
}

func (r *recorder) Down(p protocol.PeerID, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.linked(p, "Down")
	delete(r.up, p)
	r.note(p, "down %s", reason)
}

func (r *recorder) DialFailed(p protocol.PeerID, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(p, "failed %s", reason)
}

func (r *recorder) Frame(p protocol.PeerID, frame []byte, at protocol.Time) {
	r.mu.Lock()
	r.linked(p, "Frame")
	r.count++
	if !r.discard {
		r.frames[p] = append(r.frames[p], frame)
	}
	gate := r.gate
	r.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (r *recorder) Congested(p protocol.PeerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.linked(p, "Congested")
	r.note(p, "congested")
}

func (r *recorder) Drained(p protocol.PeerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.linked(p, "Drained")
	r.note(p, "drained")
}

func (r *recorder) Dropped(p protocol.PeerID, class protocol.Class, tag any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.linked(p, "Dropped")
	r.dropped[class] = append(r.dropped[class], tag)
}

func (r *recorder) Found(p protocol.PeerID, addrs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[p] = addrs
}

func (r *recorder) AddrsChanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addrs++
}

// events returns what was noted of a peer.
func (r *recorder) events(p protocol.PeerID) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.log[p]...)
}

// last returns what was noted last.
func (r *recorder) last(p protocol.PeerID) string {
	if e := r.events(p); len(e) > 0 {
		return e[len(e)-1]
	}
	return ""
}

// got returns how many frames have come, of all peers.
func (r *recorder) got() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// framesOf returns the frames that came from a peer.
func (r *recorder) framesOf(p protocol.PeerID) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte(nil), r.frames[p]...)
}

// drops returns the tags of the frames of a class that were dropped.
func (r *recorder) drops(c protocol.Class) []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]any(nil), r.dropped[c]...)
}

// hello returns what a peer's greeting said.
func (r *recorder) hello(p protocol.PeerID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hellos[p]
}

// linkTo returns the link to a peer that is up.
func (r *recorder) linkTo(p protocol.PeerID) protocol.Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up[p]
}

// upsOf returns how often the link to a peer came up.
func (r *recorder) upsOf(p protocol.PeerID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ups[p]
}

// isUp reports whether the link to a peer is up.
func (r *recorder) isUp(p protocol.PeerID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.up[p]
	return ok
}

// failures are the reasons of all dials of a peer that failed.
func (r *recorder) failures(p protocol.PeerID) (reasons []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.log[p] {
		if reason, ok := strings.CutPrefix(line, "failed "); ok {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// addrChanges is how often the addresses have changed.
func (r *recorder) addrChanges() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addrs
}
