package gossip
import ("testing";"time";"os";"strconv")
var zzu = func(k string) float64 { v, _ := strconv.ParseFloat(os.Getenv(k), 64); return v }
func TestXX(t *testing.T) {
	for _, seed := range []uint64{0,2,7,11} {
		net := newOverlay(t, seed, 100)
		last := map[string]int{}
		for r := range 3 {
			items := net.burst(100, 50*time.Millisecond, net.peers[:5]...)
			var w time.Duration
			for _, p := range net.peers { w += p.m.wait() }
			t.Logf("seed %d round %d: carry %d graft %d swap %d prune %d late %v mean %v wait %v", seed, r, net.payloads()-last["c"], net.sent["gossip.graft"]-last["g"], net.sent["gossip.swap"]-last["s"], net.sent["gossip.prune"]-last["p"], net.latest(net.peers, items), net.meanLatency(items), w/100)
			last["c"], last["g"], last["s"], last["p"] = net.payloads(), net.sent["gossip.graft"], net.sent["gossip.swap"], net.sent["gossip.prune"]
		}
	}
}
