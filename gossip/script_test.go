package gossip

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// script drives one machine by hand. Peers and items are single letters, items p to
// z where a test prints them.
type script struct {
	t   *testing.T
	m   *Machine
	out protocol.Outbox
	now protocol.Time
}

const ms = protocol.Time(time.Millisecond)

// newScript starts at 1 s with neighbours whose links are all eager, 20 ms away.
func newScript(t *testing.T, neighbours string) *script {
	s := &script{t: t, m: New(Config{}, rand.New(rand.NewPCG(1, 2))), now: 1000 * ms}
	for _, p := range neighbours {
		s.do(join(string(p), 20*time.Millisecond), "")
	}
	return s
}

func join(p string, rtt time.Duration) protocol.Input {
	return protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: protocol.PeerID(p), RTT: rtt}}}
}

func leave(p string) protocol.Input {
	return protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: protocol.PeerID(p), Gone: true}}}
}

// testItems are the items a to z.
var testItems = func() (items [26]*protocol.Item) {
	for i := range items {
		items[i] = protocol.NewItem(topicName, "author", uint64(i), nil)
	}
	return items
}()

func testItem(name string) *protocol.Item { return testItems[name[0]-'a'] }

func idOf(name string) protocol.ItemID { return testItem(name).ID }

func from(p string, msg protocol.Message) protocol.Input {
	return protocol.Received{From: protocol.Origin{Peer: protocol.PeerID(p), Authenticated: true}, Msg: msg}
}

func carry(p, item string) protocol.Input {
	return from(p, protocol.Carry{Item: testItem(item)})
}

func answer(p, item string) protocol.Input {
	return from(p, protocol.Carry{Item: testItem(item), Flags: protocol.FlagRepaired})
}

func ihave(p string, lazy bool, items ...string) protocol.Input {
	m := IHave{Lazy: lazy}
	for _, it := range items {
		m.Items = append(m.Items, Announcement{ID: idOf(it), Size: len(testItem(it).Bytes)})
	}
	return from(p, m)
}

func graftOf(p string, once bool, items ...string) protocol.Input {
	m := Graft{Once: once}
	for _, it := range items {
		m.Items = append(m.Items, idOf(it))
	}
	return from(p, m)
}

// accept is what the container says of an item that came over a gossip link, or,
// with no peer, that was published here.
func accept(p, item string) protocol.Input {
	a := protocol.Accepted{Item: testItem(item), From: protocol.PeerID(p)}
	if p != "" {
		a.Via, a.Hops = protocol.ObjectGossip, 1
	}
	return a
}

func refuse(p, item string) protocol.Input {
	return protocol.Duplicate{ID: idOf(item), From: protocol.PeerID(p)}
}

// do has in happen and checks the effects, of which want is a space-separated
// list; see show. Events for observers are left out.
func (s *script) do(in protocol.Input, want string) {
	s.t.Helper()
	s.m.Handle(s.now, in, &s.out)
	s.check(fmt.Sprintf("%T", in), want)
}

// pass lets d pass, waking the machine whenever it asks for it.
func (s *script) pass(d time.Duration, want string) {
	s.t.Helper()
	end := s.now.Add(d)
	for i := 0; s.m.Deadline() <= end; i++ {
		if i > 10000 {
			s.t.Fatalf("at %v: the machine asks to be woken for ever", s.now)
		}
		s.now = max(s.now, s.m.Deadline())
		s.m.Advance(s.now, &s.out)
	}
	s.now = end
	s.check(fmt.Sprintf("after %v", d), want)
}

func (s *script) check(what, want string) {
	s.t.Helper()
	var got []string
	for _, e := range s.out.Take() {
		if text := show(e); text != "" {
			got = append(got, text)
		}
	}
	if g := strings.Join(got, " "); g != want {
		s.t.Errorf("%s at %v: got %q, want %q", what, time.Duration(s.now), g, want)
	}
	if bad := s.m.check(); bad != "" {
		s.t.Fatalf("%s at %v: %s", what, time.Duration(s.now), bad)
	}
}

// show renders an effect: "a<carry:x" is sent to a; "a<have:xy" announces with an
// eager link, "a<lazy:xy" with a lazy one; "a<once:x" asks once; "a<fetch:x" streams
// from the store; "a>x" hands up what came from a.
func show(e protocol.Effect) string {
	switch e := e.(type) {
	case protocol.Send:
		return string(e.To) + "<" + showMessage(e.Msg)
	case protocol.FetchAndSend:
		return string(e.To) + "<fetch:" + names(e.Items)
	case protocol.Arrive:
		return string(e.From) + ">" + names([]protocol.ItemID{e.Item.ID})
	}
	return ""
}

func showMessage(msg protocol.Message) string {
	switch m := msg.(type) {
	case protocol.Carry:
		return "carry:" + names([]protocol.ItemID{m.Item.ID})
	case IHave:
		var ids []protocol.ItemID
		for _, a := range m.Items {
			ids = append(ids, a.ID)
		}
		if m.Lazy {
			return "lazy:" + names(ids)
		}
		return "have:" + names(ids)
	case Graft:
		if m.Once {
			return "once:" + names(m.Items)
		}
		return "graft:" + names(m.Items)
	case Prune:
		return "prune"
	}
	return fmt.Sprintf("%T", msg)
}

func names(ids []protocol.ItemID) string {
	var b strings.Builder
	for _, id := range ids {
		name := "?"
		for c := 'p'; c <= 'z'; c++ {
			if idOf(string(c)) == id {
				name = string(c)
			}
		}
		b.WriteString(name)
	}
	return b.String()
}

// lazy prunes the links to the given neighbours, which say so themselves.
func (s *script) lazy(neighbours string) {
	s.t.Helper()
	for _, p := range neighbours {
		s.do(from(string(p), Prune{}), "")
	}
	s.pass(time.Second, "") // until it has settled
}
