package protocol

import (
	"net/netip"
	"reflect"
	"testing"
)

// An Outbox keeps effects in order and writes the scope into those that have one.
func TestOutbox(t *testing.T) {
	var out Outbox
	if out.Len() != 0 || len(out.Take()) != 0 {
		t.Error("the zero value is not empty")
	}
	news, id := TopicOf("news"), ItemID{1}
	out.Scope(news, ObjectRepair)
	out.Send("alice", note{1, ""}, Fresh, 5)
	out.FetchAndSend("alice", []ItemID{id}, 6)
	out.FetchRange("alice", "author", 1, 9, 100, 7)
	group := netip.MustParseAddrPort("239.1.2.3:4001")
	out.Multicast(2, group, note{3, ""})
	out.Note("test.note", "alice", id, 3)
	out.Add(Close{Peer: "alice"})
	out.Scope(TopicID{}, ObjectHost)
	out.Send("bob", note{2, ""}, Control, Never)
	want := []Effect{
		Send{To: "alice", Topic: news, Object: ObjectRepair, Msg: note{1, ""}, Class: Fresh, Expires: 5},
		FetchAndSend{To: "alice", Topic: news, Object: ObjectRepair, Items: []ItemID{id}, Expires: 6},
		FetchRange{To: "alice", Topic: news, Object: ObjectRepair, Author: "author", First: 1, Last: 9, MaxBytes: 100, Expires: 7},
		Multicast{NIC: 2, Group: group, Topic: news, Object: ObjectRepair, Msg: note{3, ""}},
		Event{Name: "test.note", Topic: news, Peer: "alice", Item: id, Value: 3},
		Close{Peer: "alice"},
		Send{To: "bob", Msg: note{2, ""}, Expires: Never},
	}
	if out.Len() != len(want) {
		t.Errorf("%d effects wait", out.Len())
	}
	if got := out.Take(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if out.Len() != 0 {
		t.Error("what was taken is still there")
	}
}

func TestIDs(t *testing.T) {
	if !(TopicID{}).IsZero() || TopicOf("").IsZero() {
		t.Error("IsZero")
	}
	news := TopicOf("news")
	if news == TopicOf("News") || len(news.String()) != 8 {
		t.Errorf("topic %v", news)
	}
	id := ItemID{0xab, 0xcd}
	if id.String() != "abcd00000000" || len(id.Full()) != 64 {
		t.Errorf("item %v %v", id, id.Full())
	}
}
