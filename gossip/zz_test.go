package gossip
import ("testing";"time";"os";"strconv")
var zzt = func(k string) float64 { v, _ := strconv.ParseFloat(os.Getenv(k), 64); return v }
func TestZZ(t *testing.T) {
	for _, seed := range []uint64{0,7} {
		net := newOverlay(t, seed, 100)
		last := map[string]int{}
		for r := range 3 {
			items := net.burst(400, 10*time.Millisecond, net.peers[:20]...)
			var w time.Duration
			for _, p := range net.peers { w += p.m.wait() }
			t.Logf("seed %d round %d: carry %d graft %d swap %d prune %d late %v mean %v wait %v", seed, r, net.payloads()-last["c"], net.sent["gossip.graft"]-last["g"], net.sent["gossip.swap"]-last["s"], net.sent["gossip.prune"]-last["p"], net.latest(net.peers, items), net.meanLatency(items), w/100)
			last["c"], last["g"], last["s"], last["p"] = net.payloads(), net.sent["gossip.graft"], net.sent["gossip.swap"], net.sent["gossip.prune"]
		}
	}
}
