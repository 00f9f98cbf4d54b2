package gossipmembership

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func testMessages() []protocol.Message {
	recs := []Record{testRecord(1, 1), testRecord(2, 1<<40)}
	full := make([]Record, MaxRecords)
	for i := range full {
		full[i] = testRecord(i, 7)
	}
	return []protocol.Message{
		Neighbor{Nonce: 1<<64 - 1, Degree: maxDegree, Want: MaxRecords},
		Neighbor{},
		NeighborReply{Nonce: 2, Accept: true, Degree: 3},
		NeighborReply{Nonce: 2, Degree: 3, Records: full},
		Disconnect{Reason: ReasonLeft},
		Disconnect{Reason: ReasonNotNeighbor},
		Present{Degree: 4},
		Shuffle{Nonce: 5, Degree: 6, Records: recs},
		ShuffleReply{Nonce: 5, Degree: 6, Records: recs},
		ShuffleReply{},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	for _, m := range testMessages() {
		body := m.AppendTo(nil)
		got, err := Decode(m.Kind(), body)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%T: got %+v, %v", m, got, err)
		}
		for n := range body {
			if _, err := Decode(m.Kind(), body[:n]); err == nil {
				t.Errorf("%T: %d bytes of %d decode", m, n, len(body))
			}
		}
		if _, err := Decode(m.Kind(), append(body, 0)); err == nil {
			t.Errorf("%T: a byte more decodes", m)
		}
	}
}

func TestCodecRefuses(t *testing.T) {
	unsigned := testRecord(1, 0)
	many := Shuffle{Records: make([]Record, MaxRecords+1)}
	for i := range many.Records {
		many.Records[i] = testRecord(i, 1)
	}
	tests := []struct {
		name string
		kind uint8
		body []byte
		want error
	}{
		{"unknown kind", kindShuffleReply + 1, nil, protocol.ErrUnknownKind},
		{"items", protocol.KindCarry, nil, protocol.ErrUnknownKind},
		{"degree", kindPresent, Present{Degree: maxDegree + 1}.AppendTo(nil), protocol.ErrMalformed},
		{"want", kindNeighbor, Neighbor{Want: MaxRecords + 1}.AppendTo(nil), protocol.ErrMalformed},
		{"reason", kindDisconnect, []byte{byte(numReasons)}, protocol.ErrMalformed},
		{"many records", kindShuffle, many.AppendTo(nil), protocol.ErrMalformed},
		{"records that are not there", kindShuffle, append(make([]byte, 9), MaxRecords), protocol.ErrTruncated},
		{"a hint", kindShuffle, Shuffle{Records: []Record{unsigned}}.AppendTo(nil), protocol.ErrMalformed},
		{"neither yes nor no", kindNeighborReply, append(make([]byte, 8), 2, 0, 0), protocol.ErrMalformed},
	}
	for _, test := range tests {
		if _, err := Decode(test.kind, test.body); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestRecordsIn(t *testing.T) {
	for _, m := range testMessages() {
		want := 0
		if f := reflect.ValueOf(m).FieldByName("Records"); f.IsValid() {
			want = f.Len()
		}
		if got := len(RecordsIn(m)); got != want {
			t.Errorf("%T: %d records, want %d", m, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range testMessages() {
		f.Add(m.Kind(), m.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			return
		}
		if again := m.AppendTo(nil); m.Kind() != kind || !bytes.Equal(again, body) {
			t.Errorf("%d %x decodes as %+v, and encodes as %x", kind, body, m, again)
		}
		if len(RecordsIn(m)) > MaxRecords {
			t.Errorf("%d records", len(RecordsIn(m)))
		}
	})
}

// FuzzView plays any sequence of inputs to one view, whose bounds hold after each
// and whose Up and Down alternate.
func FuzzView(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		w := newTestNet(t, 1, 1, ViewConfig{MaxPassive: 6, MaxLost: 4})
		h := w.hosts[0]
		w.handle(h, protocol.Start{})
		var nonce uint64
		script = script[:min(len(script), 2000)]
		for ; len(script) >= 2; script = script[2:] {
			n := 1 + int(script[1]%32)
			if in := fuzzInput(h, script[0], script[1], n, nonce); in != nil {
				w.handle(h, in)
			}
			if len(h.view.asks) > 0 {
				nonce = h.view.asks[0].nonce
			}
			if script[0]%16 == 15 {
				w.run(time.Duration(script[1]) * time.Second)
			}
			if at := h.view.Deadline(); h.view.running && at == protocol.Never {
				t.Fatal("a running view has no deadline")
			}
		}
	})
}

// fuzzInput makes an input out of two bytes; nil for none. Links go up and down in
// turn, as a driver reports them.
func fuzzInput(h *testHost, op, arg byte, n int, nonce uint64) protocol.Input {
	p := testPeer(n)
	from := func(m protocol.Message) protocol.Input {
		return protocol.Received{From: protocol.Origin{Peer: p, Authenticated: true}, Msg: m}
	}
	recs := []Record{testRecord(n, uint64(arg)), testRecord(n+1, 3), testRecord(0, 1<<60)}
	switch op % 16 {
	case 0, 1, 2:
		if h.links[p] {
			return nil
		}
		h.links[p] = true
		return protocol.LinkUp{Link: protocol.Link{Peer: p, Outbound: op&16 != 0, RTT: time.Duration(arg)}}
	case 3:
		if !h.links[p] {
			return nil
		}
		delete(h.links, p)
		return protocol.LinkDown{Peer: p, Reason: "reset"}
	case 4:
		return protocol.DialFailed{Peer: p}
	case 5:
		return protocol.LinkSuspected{Peer: p}
	case 6:
		return protocol.LinkRestored{Peer: p}
	case 7:
		return Candidates{Peers: []PeerID{p, testPeer(n + 7), testPeer(0)}}
	case 8, 9:
		return from(Neighbor{Nonce: nonce, Degree: int(arg % 4), Want: int(arg % 8)})
	case 10:
		return from(NeighborReply{Nonce: nonce, Accept: arg&1 == 0, Degree: 4, Records: recs})
	case 11:
		return from(Disconnect{Reason: Reason(arg % byte(numReasons))})
	case 12:
		return from(Present{Degree: int(arg % maxDegree)})
	case 13:
		return from(Shuffle{Nonce: nonce, Records: recs})
	case 14:
		return from(ShuffleReply{Nonce: h.view.exchange.nonce, Records: recs})
	}
	if arg == 0 {
		return protocol.Stop{}
	}
	return protocol.Start{}
}
