package ways

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

var (
	start0 = time.Unix(1_800_000_000, 0)
	here   = ID{1}

	quic     = Way{Kind: QUIC}
	quic443  = Way{Kind: QUIC, HTTPS: true}
	quic6    = Way{Kind: QUIC, IPv6: true}
	tcp443   = Way{Kind: TCP, HTTPS: true}
	wss443   = Way{Kind: WSS, HTTPS: true}
	webt443  = Way{Kind: WebTransport, HTTPS: true}
	every443 = []Way{wss443, webt443, tcp443, quic443}
)

// dial plans a dial to a peer that offers ways, and has one of them come up.
func dial(m *Memory, now time.Time, id ID, winner Way, offered ...Way) bool {
	return m.Won(now, id, m.Plan(now, id, offered), winner)
}

func wantStanding(t *testing.T, m *Memory, now time.Time, id ID, w Way, want Standing) {
	t.Helper()
	if got := m.Standing(now, id, w); got != want {
		t.Errorf("%v is %v, want %v", w, got, want)
	}
}

// TestBeaten: a way that had a head start and lost is doubted, longer each time in a
// row; one that comes up is not any more; one that started later is not judged.
func TestBeaten(t *testing.T) {
	var m Memory
	now := start0
	if !dial(&m, now, here, wss443, every443...) {
		t.Error("nothing has changed")
	}
	wantStanding(t, &m, now, here, wss443, Works)
	wantStanding(t, &m, now, here, quic443, Doubtful)
	wantStanding(t, &m, now, here, tcp443, Doubtful)
	wantStanding(t, &m, now, here, webt443, Untried)
	wantStanding(t, &m, now, here, quic, Untried)         // another port
	wantStanding(t, &m, now, ID{2}, quic443, Untried)     // another network
	wantStanding(t, &m, now, here, Way{Kind: 9}, Untried) // no way at all
	if dial(&m, now, here, wss443, every443...) {
		t.Error("the same again has changed something")
	}

	if works, doubtful := m.Known(now, here); fmt.Sprint(works, doubtful) != "[wss4:443] [quic4:443 tcp4:443]" {
		t.Errorf("known: %v %v", works, doubtful)
	}

	for times := 1; times < 30; times++ {
		d := min(FirstDoubt<<min(times-1, 20), MaxDoubt)
		wantStanding(t, &m, now.Add(d-time.Second), here, quic443, Doubtful)
		wantStanding(t, &m, now.Add(d), here, quic443, Untried)
		now = now.Add(d)
		dial(&m, now, here, wss443, every443...) // QUIC is tried with it, and loses
	}
	dial(&m, now, here, quic443, every443...)
	wantStanding(t, &m, now, here, quic443, Works)
	dial(&m, now, here, wss443, every443...)
	wantStanding(t, &m, now.Add(FirstDoubt), here, quic443, Untried) // counted anew
}

// TestTrustEnds: what worked long ago is untried again, and so is what a clock that
// was wrong has written.
func TestTrustEnds(t *testing.T) {
	var m Memory
	dial(&m, start0, here, quic, quic)
	wantStanding(t, &m, start0.Add(MaxTrust-time.Second), here, quic, Works)
	wantStanding(t, &m, start0.Add(MaxTrust), here, quic, Untried)
	wantStanding(t, &m, start0.Add(-maxSkew+time.Second), here, quic, Works)
	wantStanding(t, &m, start0.Add(-time.Hour), here, quic, Untried)
}

// TestUnplanned: a connection by a way that was not planned is no race.
func TestUnplanned(t *testing.T) {
	var m Memory
	dial(&m, start0, here, quic6, quic443, wss443)
	wantStanding(t, &m, start0, here, quic6, Works)
	wantStanding(t, &m, start0, here, quic443, Untried)
	if dial(&m, start0, here, Way{Kind: numKinds}, quic) {
		t.Error("there is no such way")
	}
}

// number names the i-th network.
func number(i int) (id ID) {
	binary.BigEndian.PutUint32(id[:], uint32(i))
	return id
}

// TestNetworksAreBounded: MaxNetworks are kept, and none longer than MaxAge; the one
// not used for longest goes first.
func TestNetworksAreBounded(t *testing.T) {
	var m Memory
	now := start0
	for i := range MaxNetworks {
		dial(&m, now.Add(time.Duration(i)*time.Second), number(i), quic, quic)
	}
	now = now.Add(time.Minute)
	dial(&m, now, number(0), quic, quic)
	dial(&m, now, number(MaxNetworks), quic, quic)
	if n := m.Networks(); n != MaxNetworks {
		t.Errorf("%d networks, want %d", n, MaxNetworks)
	}
	wantStanding(t, &m, now, number(0), quic, Works)
	wantStanding(t, &m, now, number(1), quic, Untried) // forgotten
	wantStanding(t, &m, now, number(2), quic, Works)

	dial(&m, now.Add(MaxAge-time.Second), number(0), quic, quic)
	dial(&m, now.Add(MaxAge), here, quic, quic)
	if n := m.Networks(); n != 2 {
		t.Errorf("%d networks after MaxAge, want the 2 that were used", n)
	}
}
