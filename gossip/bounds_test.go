package gossip

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// ids are n announcements of items that do not exist, from the given number on.
func ids(from, n int) []Announcement {
	items := make([]Announcement, n)
	for i := range items {
		binary.BigEndian.PutUint64(items[i].ID[:], uint64(from+i)+1)
		items[i].Size = 100
	}
	return items
}

func TestBoundOnNeighbours(t *testing.T) {
	s := newScript(t, "")
	for i := range MaxNeighbours + 3 {
		s.do(join(fmt.Sprintf("p%02d", i), 0), "")
	}
	if n := len(s.m.neighbours); n != MaxNeighbours {
		t.Errorf("%d neighbours, want %d", n, MaxNeighbours)
	}
	s.do(leave("p07"), "")
	s.do(join("new", 0), "")
	if s.m.find("new") == nil {
		t.Error("no room after one has left")
	}
}

func TestBoundOnMissing(t *testing.T) {
	s := newScript(t, "abcde")
	honest := ids(1e6, 10)
	s.do(from("e", IHave{Items: honest}), "")
	for i := 0; i < 2*MaxMissing; i += MaxIDs { // a alone cannot push them out
		s.do(from("a", IHave{Items: ids(i, MaxIDs)}), "")
	}
	if n := s.m.wants.len(); n != MaxMissingPerNeighbour+10 {
		t.Errorf("%d missing, want %d", n, MaxMissingPerNeighbour+10)
	}
	for i := 0; i < MaxMissingPerNeighbour; i += MaxIDs {
		for k, p := range []string{"b", "c", "d"} {
			s.do(from(p, IHave{Items: ids((k+1)*1e7+i, MaxIDs)}), "")
		}
	}
	if n := s.m.wants.len(); n != MaxMissing {
		t.Errorf("%d missing, want %d", n, MaxMissing)
	}
	if s.m.wants.get(honest[0].ID) != nil {
		t.Error("the oldest was not dropped")
	}
	if s.m.wants.get(ids(3e7, 1)[0].ID) == nil {
		t.Error("a later one was dropped")
	}
	for s.m.wants.len() > 0 { // none of it exists, and it ends
		s.now = max(s.now, s.m.Deadline())
		s.m.Advance(s.now, &s.out)
		for _, e := range s.out.Take() {
			if send, ok := e.(protocol.Send); ok && len(send.Msg.(Graft).Items) > MaxIDs {
				t.Fatalf("%d items in one Graft", len(send.Msg.(Graft).Items))
			}
		}
	}
	if s.now > protocol.Time(3*s.m.cfg.Cache) {
		t.Errorf("items are still asked for after %v", time.Duration(s.now))
	}
}

func TestBoundOnAnnouncers(t *testing.T) {
	s := newScript(t, "abcdefghijkl")
	for _, p := range "abcdefghijkl" {
		s.do(ihave(string(p), false, "x"), "")
	}
	if n := len(s.m.wants.get(idOf("x")).announcers); n != MaxAnnouncers {
		t.Errorf("%d announcers, want %d", n, MaxAnnouncers)
	}
	s.do(protocol.Accepted{Item: testItem("x")}, "") // but all are known to have it
	s.pass(time.Second, "")
}

func TestBoundOnTries(t *testing.T) {
	s := newScript(t, "a")
	s.do(ihave("a", false, "x"), "")
	s.pass(time.Minute, "a<graft:x a<graft:x")
}

func TestBoundOnQueue(t *testing.T) {
	s := newScript(t, "a")
	s.do(protocol.Congested{Peer: "a"}, "")
	for i := range MaxQueue + 5 {
		it := protocol.NewItem(topicName, "author", uint64(i), nil)
		s.do(protocol.Accepted{Item: it}, "")
	}
	s.m.Handle(s.now, protocol.Drained{Peer: "a"}, &s.out)
	s.m.Advance(s.now, &s.out)
	n := 0
	for _, e := range s.out.Take() {
		items := e.(protocol.Send).Msg.(IHave).Items
		if len(items) > MaxIDs {
			t.Fatalf("%d items in one IHave", len(items))
		}
		if n == 0 && items[0].ID != protocol.NewItem(topicName, "author", 5, nil).ID {
			t.Error("it is not the oldest that were dropped")
		}
		n += len(items)
	}
	if n != MaxQueue {
		t.Errorf("%d announced, want %d", n, MaxQueue)
	}
}

func TestFullMessageIsSentAtOnce(t *testing.T) {
	s := newScript(t, "a")
	s.lazy("a")
	for i := range MaxIDs {
		if s.m.Deadline() == s.now {
			t.Fatalf("sent with %d items", i)
		}
		s.m.Handle(s.now, protocol.Accepted{Item: protocol.NewItem(topicName, "author", uint64(i), nil)}, &s.out)
	}
	if s.m.Deadline() != s.now {
		t.Errorf("a full message waits")
	}
}

func TestBoundOnRecent(t *testing.T) {
	s := newScript(t, "")
	for i := range MaxRecent + MaxRecent/2 {
		s.now += ms
		it := protocol.NewItem(topicName, "author", uint64(i), nil)
		s.m.Handle(s.now, protocol.Accepted{Item: it}, &s.out)
	}
	if bad := s.m.check(); bad != "" {
		t.Fatal(bad)
	}
	if n := s.m.recent.len(); n != MaxRecent {
		t.Errorf("%d items remembered, want %d", n, MaxRecent)
	}
	if n := len(s.m.recent.order); n > 2*MaxRecent+2 {
		t.Errorf("room for %d items", n)
	}
	s.now = s.now.Add(recognised*s.m.cfg.Cache + 1)
	s.do(protocol.Start{}, "")
	if n := s.m.recent.len(); n != 0 {
		t.Errorf("%d items remembered after the window", n)
	}
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg Config
		ok  bool
	}{
		{Config{}, true},
		{Config{Cache: time.Second, Flush: time.Second, InitialWait: maxWait}, true},
		{Config{Cache: time.Second - 1}, false},
		{Config{Cache: 10*time.Minute + 1}, false},
		{Config{Flush: -1}, false},
		{Config{Flush: time.Second + 1}, false},
		{Config{InitialWait: 1}, false},
		{Config{InitialWait: maxWait + 1}, false},
	} {
		if err := tc.cfg.Validate(); (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc.cfg, err)
		}
	}
}
