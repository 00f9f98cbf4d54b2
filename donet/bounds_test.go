package donet

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func numbered(prefix string, i int) protocol.PeerID {
	return protocol.PeerID(fmt.Sprintf("%s%05d", prefix, i))
}

// TestBounds reaches every bound; rig.check says if one is passed.
func TestBounds(t *testing.T) {
	r := newRig(t, Config{}, "me")
	r.attach("parent", 10*ms)
	m := r.m
	for i := range MaxPeers + 10 {
		r.from(numbered("p", i), Meet{Mode: MeetOnce})
		r.member(numbered("p", i))
	}
	if len(m.peers.order) != MaxPeers {
		t.Errorf("%d peers", len(m.peers.order))
	}
	for k := range 12 {
		r.from(numbered("p", k), Map{Size: 100, Runs: runs(1+uint64(k)*600, 600)})
	}
	if len(m.wants.heap) != MaxWants {
		t.Errorf("%d wants", len(m.wants.heap))
	}
	for i := range MaxMembers + 10 {
		r.from("parent", Members{List: []Member{{Peer: numbered("m", i)}}})
	}
	if len(m.members.list) != MaxMembers {
		t.Errorf("%d members", len(m.members.list))
	}
	for i := range MaxStreams + 10 {
		r.from("parent", Map{Tag: Tag(i + 1), Size: 1, Runs: runs(5, 1)})
	}
	if len(m.streams.order) != MaxStreams || m.streams.find(0) == nil {
		t.Errorf("%d streams; the one with a spanning part is %v", len(m.streams.order), m.streams.find(0))
	}
	for i := range MaxTrees + 3 {
		s := stands(1, ms)
		s.Tag = Tag(1000 + i)
		r.from("parent", s)
	}
	if n := len(m.streams.trees()); n != MaxTrees {
		t.Errorf("%d spanning parts", n)
	}
	for i := range MaxGrudges + 3 {
		m.grudges.add(r.now, numbered("g", i))
	}
	for i := range MaxRefusals + 3 {
		m.refusals.add(numbered("g", i), r.now.Add(time.Second))
	}
	m.streams.find(0).flow.rate = 1 // a slow stream
	for i := range MaxChildren + 5 {
		r.from(numbered("p", i), Join{Orphan: true, Weight: 1, Value: 1})
	}
	if n := len(m.streams.find(0).children); n != MaxChildren {
		t.Errorf("%d children", n)
	}
	r.check()
}

// TestHeldAndServing reaches what is held of a stream, and the requests that wait.
func TestHeldAndServing(t *testing.T) {
	r := newRig(t, Config{}, "me")
	r.in(protocol.BudgetChanged{UploadRate: 1000})
	r.member("a", "b")
	for seq := uint64(1); seq <= MaxHeld+5; seq++ {
		r.in(protocol.Accepted{Item: protocol.NewItem("t", author, seq, make([]byte, 100)), From: "x"})
	}
	st := r.m.streams.find(0)
	if len(st.log) != MaxHeld || len(st.bySeq) != MaxHeld {
		t.Errorf("%d held", len(st.log))
	}
	for k := range 2000/MaxAsk + 2 {
		r.from("a", Ask{Runs: runs(100+uint64(k)*MaxAsk, MaxAsk)})
	}
	if len(r.m.serving.queue) != MaxServing {
		t.Errorf("%d requests wait", len(r.m.serving.queue))
	}
	r.wait(serveLife + time.Second)
	if n := len(r.m.serving.queue); n != 0 {
		t.Errorf("%d requests wait for ever", n)
	}
}

func TestValidate(t *testing.T) {
	for _, bad := range []Config{{Partners: -1}, {Partners: MaxPartners + 1}, {Exchange: time.Millisecond}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

// FuzzMachine has anything happen in any order and looks after each whether the machine is
// sound.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x03\x10\x05\x10\x01\xff"))
	long := make([]byte, 900)
	for i := range long {
		long[i] = byte(i * i * 31 >> 3)
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, script []byte) {
		r := newRig(t, Config{}, "me")
		for ; len(script) >= 3; script = script[3:] {
			who := protocol.PeerID(rune('a' + script[1]%8))
			seq := uint64(script[2])
			switch kind := script[0] % 20; kind {
			case 0:
				r.member(who)
			case 1:
				r.in(protocol.LinkDown{Peer: who})
			case 2:
				r.in(protocol.LinkSuspected{Peer: who})
			case 3:
				r.in(protocol.LinkRestored{Peer: who})
			case 4:
				r.push(who, seq)
			case 5:
				r.from(who, protocol.Carry{Item: item(seq)})
			case 6:
				r.in(protocol.Rejected{ID: item(seq).ID, From: who, Retry: script[1] > 127})
			case 7:
				r.in(protocol.Duplicate{ID: item(seq).ID, From: who})
			case 8:
				r.in(protocol.Accepted{Item: item(seq), From: who, Repaired: true})
			case 9:
				r.in(protocol.Congested{Peer: who})
			case 10:
				r.in(protocol.Drained{Peer: who})
			case 11:
				r.in(protocol.SendDropped{Peer: who, Item: item(seq)})
			case 12, 13:
				r.wait(time.Duration(seq) * 5 * ms)
			default:
				// A message of any kind with what is left of the script.
				if m, err := Decode(script[2]%14, script[min(3, len(script)):]); err == nil {
					r.from(who, m)
					break
				}
				body := append([]byte{0, 0, 100, 1}, binary.AppendUvarint(nil, seq)...)
				if m, err := Decode(KindMap, append(body, 2)); err == nil {
					r.from(who, m)
				}
				s := stands(seq%4, time.Duration(script[1])*ms, author)
				s.Child, s.Joined = kind > 15, kind > 16
				r.from(who, s)
				r.from(who, Join{Orphan: kind%2 == 0, Lag: 100 * ms, Weight: 1, Value: 1, RTT: ms})
			}
		}
		r.m.Explain(r.now)
		r.m.Position()
	})
}
