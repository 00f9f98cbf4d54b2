package gossipmembership
import ("testing";"time")
func TestXChain(t *testing.T) {
	split, never := 0, 0
	for seed := range uint64(60) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.startAll(func(i int) int { return i - 1 })
		w.run(time.Minute)
		was, from := false, w.now
		worst := time.Duration(0)
		for range 240 {
			w.run(5*time.Second)
			if c := w.component(); c != 100 {
				if !was { was = true; from = w.now; split++ }
				if d := w.now.Sub(from); d > worst { worst = d }
			} else { was = false }
		}
		if was { never++
			c := w.component()
			known := 0
			seen := map[PeerID]bool{}
			for _, h := range w.hosts[:c] { for _, m := range h.view.passive { if w.by[m.peer].n >= c { known++; seen[m.peer]=true } } }
			t.Log("never healed", seed, c, "known foreign", known, len(seen))
		}
		if worst > 0 { t.Log(seed, "split for", worst) }
	}
	t.Log("splits", split, "unhealed", never)
}
