package feed

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// testID makes the ID of an entry of one of an author's versions of a chain.
func testID(version byte, seq uint64) (id protocol.ItemID) {
	if seq == 0 {
		return id
	}
	id[0] = version
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

// testLink is entry seq of a version of the chain.
func testLink(version byte, seq uint64) Link {
	return Link{Seq: seq, ID: testID(version, seq), Prev: testID(version, seq-1)}
}

func TestChain(t *testing.T) {
	forked := Link{Seq: 3, ID: testID('b', 3), Prev: testID('a', 2)}
	onFork := Link{Seq: 4, ID: testID('b', 4), Prev: testID('b', 3)}
	three := Fork{3, [2]protocol.ItemID{testID('a', 3), testID('b', 3)}}
	tests := []struct {
		name string
		add  []Link
		want Audit // of the last
	}{
		{"first", []Link{testLink('a', 9)}, Audit{}},
		{"next", []Link{testLink('a', 1), testLink('a', 2)}, Audit{}},
		{"again", []Link{testLink('a', 1), testLink('a', 1)}, Audit{Known: true}},
		{"gap", []Link{testLink('a', 1), testLink('a', 5)}, Audit{Gap: Range{2, 4}}},
		{"gap filled", []Link{testLink('a', 1), testLink('a', 3), testLink('a', 2)}, Audit{}},
		{"two items one number", []Link{testLink('a', 3), forked}, Audit{Forks: []Fork{three}}},
		{"in either order", []Link{forked, testLink('a', 3)}, Audit{Forks: []Fork{three}}},
		{"successor of another", []Link{testLink('a', 3), onFork}, Audit{Forks: []Fork{three}}},
		{"predecessor of another", []Link{onFork, testLink('a', 3)}, Audit{Forks: []Fork{three}}},
		{"across a gap nothing is known", []Link{testLink('a', 2), onFork}, Audit{Gap: Range{3, 3}}},
	}
	for _, tt := range tests {
		var c Chain
		var got Audit
		for _, l := range tt.add {
			got = c.Add(l)
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestChainBound(t *testing.T) {
	var c Chain
	for seq := uint64(1); seq <= MaxChainWindow+10; seq++ {
		c.Add(testLink('a', seq))
		if len(c.window) > MaxChainWindow {
			t.Fatalf("%d entries remembered", len(c.window))
		}
	}
	if len(c.window) != MaxChainWindow {
		t.Fatalf("%d entries remembered, bound not reached", len(c.window))
	}
	if a := c.Add(testLink('b', 10)); len(a.Forks) != 0 {
		t.Error("judged an entry older than its memory")
	}
	if a := c.Add(testLink('b', 11)); len(a.Forks) != 1 {
		t.Error("forgot an entry within the bound")
	}
}

// TestChainAnyOrder: a sound chain is never called a fork, and a single forged
// number always is, whatever the order.
func TestChainAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		const n = 50
		links := make([]Link, 0, n+1)
		for seq := uint64(1); seq <= n; seq++ {
			links = append(links, testLink('a', seq))
		}
		forged := seed%2 == 1
		if forged {
			links = append(links, Link{Seq: 1 + rng.Uint64N(n), ID: testID('b', 1), Prev: testID('a', 1)})
		}
		rng.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
		var c Chain
		forks := 0
		for _, l := range links {
			forks += len(c.Add(l).Forks)
		}
		if forged != (forks > 0) {
			t.Fatalf("seed %d: forged %v, %d forks found", seed, forged, forks)
		}
	}
}
