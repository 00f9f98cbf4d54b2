package ways

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// plan writes a plan down.
func (p Plan) String() string {
	var list []string
	for _, s := range p.starts {
		list = append(list, fmt.Sprintf("%v@%v", s.way, s.after.Milliseconds()))
	}
	return strings.Join(list, " ")
}

// TestPlan: the order and delays of dials as experience grows, on a network on which
// only what looks like HTTPS gets through, and on one that opens up again.
func TestPlan(t *testing.T) {
	var m Memory
	now := start0
	want := func(what, plan string, offered ...Way) {
		t.Helper()
		if got := m.Plan(now, here, offered).String(); got != plan {
			t.Errorf("%s:\n%s, want\n%s", what, got, plan)
		}
	}
	want("nothing is known", "quic4:443@0 tcp4:443@250 wss4:443@500 webtransport4:443@750", every443...)
	dial(&m, now, here, wss443, every443...)
	// WebTransport is behind what worked, QUIC and TCP are far behind.
	want("TLS only", "wss4:443@0 webtransport4:443@250 quic4:443@1000 tcp4:443@1250", every443...)
	want("TLS only, two ports", "quic4@0 wss4:443@0 quic4:443@1000", wss443, quic443, quic)
	want("nothing that works is offered", "quic4:443@0 tcp4:443@250", tcp443, quic443, quic443)
	want("nothing is offered", "")

	now = now.Add(FirstDoubt)
	want("the doubt is over", "quic4:443@0 tcp4:443@0 wss4:443@0 webtransport4:443@250", every443...)
	dial(&m, now, here, quic443, every443...)
	want("it was opened", "quic4:443@0 tcp4:443@250 wss4:443@500 webtransport4:443@750", every443...)

	want("both families", "quic6@0 quic4@250 tcp4:443@500", tcp443, quic, quic6)
}

// TestPlanIsComplete: whatever is known, each way that is offered is tried, within
// MaxDelay, the first at once; none in doubt before one that is not.
func TestPlanIsComplete(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var m Memory
		now := start0
		for range 50 {
			var offered []Way
			for range 1 + rng.IntN(20) {
				offered = append(offered, wayOf(rng.IntN(numWays)))
			}
			p := m.Plan(now, here, offered)
			last, doubtful := time.Duration(0), false
			for i, s := range p.starts {
				d := m.Standing(now, here, s.way) == Doubtful
				if i == 0 && s.after != 0 || s.after < last || s.after > MaxDelay || doubtful && !d {
					t.Fatalf("seed %d: %v", seed, p)
				}
				last, doubtful = s.after, d
			}
			for _, w := range offered {
				if _, ok := p.Delay(w); !ok {
					t.Fatalf("seed %d: %v is not in %v", seed, w, p)
				}
			}
			m.Won(now, here, p, offered[rng.IntN(len(offered))])
			now = now.Add(time.Duration(rng.Int64N(int64(time.Hour))))
		}
	}
}
