package gossipmembership

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// viewTest drives one View by hand and compares what it does.
type viewTest struct {
	t    *testing.T
	v    *View
	book *SimpleBook
	now  protocol.Time
	out  protocol.Outbox
}

const selfN = 0

func newViewTest(t *testing.T, cfg ViewConfig) *viewTest {
	x := &viewTest{t: t, now: 1e9}
	x.book = NewSimpleBook(testPeer(selfN), 0, rand.New(rand.NewPCG(1, 2)))
	x.book.Learn(0, testRecord(selfN, 5), testPeer(selfN))
	x.v = NewView(cfg, testPeer(selfN), x.book, rand.New(rand.NewPCG(3, 4)))
	x.do(protocol.Start{})
	return x
}

// do handles an input and returns the effects, events left out.
func (x *viewTest) do(in protocol.Input) []protocol.Effect {
	x.v.Handle(x.now, in, &x.out)
	return x.take()
}

func (x *viewTest) take() []protocol.Effect {
	var effects []protocol.Effect
	for _, e := range x.out.Take() {
		if _, event := e.(protocol.Event); !event {
			effects = append(effects, e)
		}
	}
	return effects
}

// wait lets d pass, advancing at every deadline, and returns the effects.
func (x *viewTest) wait(d time.Duration) []protocol.Effect {
	var effects []protocol.Effect
	end := x.now.Add(d)
	for x.v.Deadline() <= end {
		x.now = x.v.Deadline()
		x.v.Advance(x.now, &x.out)
		effects = append(effects, x.take()...)
	}
	x.now = end
	return effects
}

// link brings up a link that peer n dialled.
func (x *viewTest) link(n int) {
	x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(n), RTT: 10 * time.Millisecond}})
}

// hear handles a message from peer n.
func (x *viewTest) hear(n int, msg protocol.Message) []protocol.Effect {
	return x.do(protocol.Received{From: protocol.Origin{Peer: testPeer(n), Authenticated: true}, Msg: msg, At: x.now})
}

// inbound makes peers from..to inbound neighbours.
func (x *viewTest) inbound(from, to int) {
	x.t.Helper()
	for n := from; n <= to; n++ {
		x.link(n)
		x.want(x.hear(n, Neighbor{Nonce: uint64(n), Degree: 1}), "up", "yes")
	}
}

// outbound makes a peer a neighbour of the view's choice.
func (x *viewTest) outbound(n int) {
	x.t.Helper()
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(n)}}), "dial")
	effects := x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(n), Outbound: true}})
	x.want(effects, "ask")
	x.want(x.hear(n, NeighborReply{Nonce: nonceOf(effects), Accept: true, Degree: 2}), "up")
}

// nonceOf returns the nonce of the last request among the effects.
func nonceOf(effects []protocol.Effect) (nonce uint64) {
	for _, e := range effects {
		if s, ok := e.(protocol.Send); ok {
			switch m := s.Msg.(type) {
			case Neighbor:
				nonce = m.Nonce
			case Shuffle:
				nonce = m.Nonce
			}
		}
	}
	return nonce
}

// words says what the effects are, in a word each.
func words(effects []protocol.Effect) []string {
	list := []string{}
	for _, e := range effects {
		word := fmt.Sprintf("%T", e)
		switch e := e.(type) {
		case Up:
			word = "up"
		case Down:
			word = "down:" + e.Reason
		case protocol.Dial:
			word = "dial"
		case protocol.Close:
			word = "close"
		case protocol.Send:
			word = messageWord(e.Msg)
		}
		list = append(list, word)
	}
	return list
}

func messageWord(msg protocol.Message) string {
	switch m := msg.(type) {
	case Neighbor:
		return "ask"
	case NeighborReply:
		if m.Accept {
			return "yes"
		}
		return fmt.Sprint("no+", len(m.Records))
	case Disconnect:
		return "bye:" + m.Reason.String()
	case Present:
		return "present"
	case Shuffle:
		return "shuffle"
	case ShuffleReply:
		return "shuffled"
	}
	return "?"
}

func (x *viewTest) want(effects []protocol.Effect, want ...string) {
	x.t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := words(effects); !reflect.DeepEqual(got, want) {
		x.t.Fatalf("effects %q, want %q", got, want)
	}
}

// only keeps effects of the given words.
func only(effects []protocol.Effect, keep string) (some []protocol.Effect) {
	for i, w := range words(effects) {
		if w == keep {
			some = append(some, effects[i])
		}
	}
	return some
}

func TestAskOverNewLink(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(1), testPeer(selfN)}}), "dial")
	effects := x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(1), Outbound: true, RTT: time.Millisecond}})
	x.want(effects, "ask")
	if ask := effects[0].(protocol.Send).Msg.(Neighbor); ask.Degree != 0 || ask.Want != MaxRecords {
		t.Errorf("first request %+v", ask)
	}
	effects = x.hear(1, NeighborReply{Nonce: nonceOf(effects), Accept: true, Degree: 3})
	x.want(effects, "up")
	if up := effects[0].(Up); up.Peer != testPeer(1) || up.RTT != time.Millisecond {
		t.Errorf("%+v", up)
	}
	x.want(x.do(protocol.LinkDown{Peer: testPeer(1), Reason: "reset"}), "down:link: reset")
}

func TestLinkThatIsUpNeedsNoDial(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(1)}}), "ask")
}

func TestSuspectedLinkIsNotAsked(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	x.do(protocol.LinkSuspected{Peer: testPeer(1)})
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(1)}}))
	x.want(x.do(protocol.LinkRestored{Peer: testPeer(1)}), "ask")
}

func TestAsksAtMostThreeAtOnce(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	peers := []PeerID{}
	for n := 1; n <= 2*x.v.cfg.MaxPassive; n++ {
		peers = append(peers, testPeer(n))
	}
	x.want(x.do(Candidates{Peers: peers}), "dial", "dial", "dial")
	if got := len(x.v.passive); got != x.v.cfg.MaxPassive {
		t.Errorf("%d candidates kept, want %d", got, x.v.cfg.MaxPassive)
	}
}

func TestUnsolicitedIsIgnored(t *testing.T) {
	fresh := []Record{testRecord(50, 9)}
	tests := []struct {
		name string
		msg  protocol.Message
		want []string
	}{
		{"yes", NeighborReply{Nonce: 7, Accept: true, Records: fresh}, []string{"bye:not-neighbor"}},
		{"no", NeighborReply{Nonce: 7, Records: fresh}, nil},
		{"shuffle reply", ShuffleReply{Nonce: 7, Records: fresh}, nil},
		{"shuffle", Shuffle{Nonce: 7, Records: fresh}, []string{"bye:not-neighbor"}},
		{"present", Present{Degree: 3}, []string{"bye:not-neighbor"}},
		{"goodbye", Disconnect{Reason: ReasonLeft}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := newViewTest(t, ViewConfig{})
			x.link(1)
			x.want(x.hear(1, test.msg), test.want...)
			if _, known := x.book.Record(testPeer(50)); known || len(x.v.passive) > 0 {
				t.Error("learnt from it")
			}
			x.want(x.hear(2, test.msg)) // without a link there is no answer
		})
	}
}

func TestReplyMustMatchRequest(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	x.link(2)
	effects := x.do(Candidates{Peers: []PeerID{testPeer(1)}})
	nonce := nonceOf(effects)
	x.want(x.hear(1, NeighborReply{Nonce: nonce + 1, Accept: true}))
	x.want(x.hear(2, NeighborReply{Nonce: nonce, Accept: true}), "bye:not-neighbor")
	x.want(x.hear(1, NeighborReply{Nonce: nonce, Accept: true}), "up")
}

func TestMulticastIsIgnored(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	x.want(x.do(protocol.Received{From: protocol.Origin{Peer: testPeer(1), Multicast: true}, Msg: Neighbor{Nonce: 1}}))
}

func TestCrossingRequestsMakeOneLink(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	effects := x.do(Candidates{Peers: []PeerID{testPeer(1)}})
	x.want(effects, "ask")
	x.want(x.hear(1, Neighbor{Nonce: 99}), "up", "yes")
	x.want(x.hear(1, NeighborReply{Nonce: nonceOf(effects), Accept: true}))
	if !x.v.active[0].outbound {
		t.Error("a link that both chose does not count as this peer's choice")
	}
}

// "replies time out": the request is withdrawn, and the member tried again.
func TestRequestWithoutAnswer(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	effects := x.do(Candidates{Peers: []PeerID{testPeer(1)}})
	x.want(x.wait(2*time.Second), []string{}...)
	x.want(x.wait(50*time.Millisecond), "bye:not-neighbor", "close")
	x.want(x.hear(1, NeighborReply{Nonce: nonceOf(effects), Accept: true}), "bye:not-neighbor")
	x.want(x.wait(1500*time.Millisecond), "ask")
}

func TestDialWithoutReport(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(1)}}), "dial")
	x.want(only(x.wait(dialPatience), "close"), "close")
}

func TestStopWithdrawsRequests(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 1)
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(2)}}), "dial")
	x.link(3)
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(3)}}), "ask")
	x.want(x.do(protocol.Stop{}), "bye:left", "down:left", "close", "bye:left", "close", "close")
	x.want(x.hear(1, Present{}))
	x.do(protocol.Start{})
	again := x.wait(2 * time.Second)
	x.want(only(again, "ask"), "ask", "ask")
	x.want(only(again, "dial"), "dial")
}

func TestExplain(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 1)
	x.do(protocol.LinkRTT{Peer: testPeer(1), RTT: 7 * time.Millisecond})
	x.do(protocol.LinkSuspected{Peer: testPeer(1)})
	x.do(Candidates{Peers: []PeerID{testPeer(2)}})
	x.now = x.now.Add(time.Second)
	want := ViewState{
		Neighbors: []NeighborState{{
			Peer: testPeer(1).String(), Suspected: true, Degree: 1, RTT: 7 * time.Millisecond, For: time.Second,
		}},
		Asking:  []AskState{{Peer: testPeer(2).String(), Why: "fill", Dialing: true}},
		Missing: 5, Passive: 1, // who is suspected counts as missing
	}
	if got := x.v.Explain(x.now); !reflect.DeepEqual(got, want) {
		t.Errorf("Explain = %+v, want %+v", got, want)
	}
}

func TestImpossibleConfigPanics(t *testing.T) {
	for _, cfg := range []ViewConfig{
		{MinActive: 9}, {TargetOutbound: 9}, {MaxInbound: -1}, {MaxActive: 1000, MinActive: 5},
		{ShuffleSize: MaxRecords + 1}, {RotateEvery: -1}, {MaxPassive: -1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is accepted", cfg)
				}
			}()
			NewView(cfg, testPeer(0), newTestBook(0), rand.New(rand.NewPCG(1, 1)))
		}()
	}
}
