package omni

import (
	"math/rand/v2"
	"time"
)

// barGame is a number of peers that choose parents by bars alone, on what they were
// told before, which may long be untrue.
type barGame struct {
	rng    *rand.Rand
	parent []int // -1 for none; 0 is the root
	epoch  []uint64
	lat    []time.Duration
	bars   []bar
	told   [][]bar // what peer i was told last by j
}

const barPeers = 12

func newBarGame(seed uint64) *barGame {
	g := &barGame{rng: rand.New(rand.NewPCG(seed, 7)), parent: make([]int, barPeers), epoch: make([]uint64, barPeers),
		lat: make([]time.Duration, barPeers), bars: make([]bar, barPeers), told: make([][]bar, barPeers)}
	for i := range barPeers {
		g.parent[i] = -1
		g.bars[i].reset()
		g.told[i] = make([]bar, barPeers)
	}
	g.epoch[0] = 1
	return g
}

// step lets one thing happen.
func (g *barGame) step() {
	i, j := g.rng.IntN(barPeers), g.rng.IntN(barPeers)
	switch g.rng.IntN(8) {
	case 0:
		g.epoch[0]++
	case 1:
		if i != 0 {
			g.parent[i] = -1
		}
	case 2, 3, 4: // j tells i where it stands
		if j == 0 || g.parent[j] >= 0 {
			g.bars[j].told(g.epoch[j], g.lat[j])
			g.told[i][j] = bar{g.epoch[j], g.lat[j]}
		}
	case 5, 6: // i follows its parent's last word
		if p := g.parent[i]; p >= 0 && g.told[i][p].epoch >= g.epoch[i] && g.told[i][p].epoch > 0 {
			g.follow(i, p)
		}
	default: // i moves to j, if it may by what it was told
		if s := g.told[i][j]; i != j && i != 0 && s.epoch > 0 && g.bars[i].admits(s.epoch, s.lat) {
			g.parent[i] = j
			g.follow(i, j)
		}
	}
}

func (g *barGame) follow(i, p int) {
	g.epoch[i] = max(g.epoch[i], g.told[i][p].epoch)
	g.lat[i] = g.told[i][p].lat + time.Duration(1+g.rng.IntN(100))*time.Millisecond
}

// cycle is a peer above itself, -1 for none.
func (g *barGame) cycle() int {
	for i := range g.parent {
		p := g.parent[i]
		for range barPeers {
			if p < 0 {
				break
			}
			if p == i {
				return i
			}
			p = g.parent[p]
		}
	}
	return -1
}
