package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// missesAuthor is how many items of one author in a row, missesRow how many of all,
	// a parent may fail to bring that others had (our guesses).
	missesAuthor = 3
	missesRow    = 2
	// maxMissing bounds the authors whose misses are counted.
	maxMissing = 32
	// banFirst is for how long a parent that withheld is not asked again; it doubles.
	banFirst = time.Minute
	// missSilence is how long a parent must have brought nothing at all for missesRow.
	missSilence = 250 * time.Millisecond
)

// misses counts what the present parent did not bring. Who withholds one author's items
// only, and brings all others, shows by that author's count.
type misses struct {
	row      int
	brought  protocol.Time // when it last brought anything
	byAuthor []authorMisses
}

type authorMisses struct {
	author protocol.PeerID
	n      int
}

func (m *misses) reset(now protocol.Time) { *m = misses{brought: now} }

// came notes that the parent brought an author's item.
func (m *misses) came(now protocol.Time, author protocol.PeerID) {
	m.row, m.brought = 0, now
	m.byAuthor = slices.DeleteFunc(m.byAuthor, func(a authorMisses) bool { return a.author == author })
}

// missed notes that it did not, and reports whether that is enough.
func (m *misses) missed(now protocol.Time, author protocol.PeerID) bool {
	m.row++
	if m.row >= missesRow && now.Sub(m.brought) > missSilence {
		return true
	}
	for i := range m.byAuthor {
		if m.byAuthor[i].author == author {
			m.byAuthor[i].n++
			return m.byAuthor[i].n >= missesAuthor
		}
	}
	if len(m.byAuthor) < maxMissing {
		m.byAuthor = append(m.byAuthor, authorMisses{author, 1})
	}
	return false
}

// grudge is the conduct of one peer as a parent.
type grudge struct {
	peer  protocol.PeerID
	times int
	last  protocol.Time
}

// grudges remembers the worst, at most MaxGrudges.
type grudges struct{ list []grudge }

func (g *grudges) add(now protocol.Time, p protocol.PeerID) {
	for i := range g.list {
		if g.list[i].peer == p {
			g.list[i].times++
			g.list[i].last = now
			return
		}
	}
	if len(g.list) == MaxGrudges {
		oldest := 0
		for i := range g.list {
			if g.list[i].last < g.list[oldest].last {
				oldest = i
			}
		}
		g.list = slices.Delete(g.list, oldest, oldest+1)
	}
	g.list = append(g.list, grudge{p, 1, now})
}

// ban is for how long a peer is not asked to be a parent.
func (g *grudges) ban(p protocol.PeerID) time.Duration {
	for _, x := range g.list {
		if x.peer == p {
			return banFirst << min(x.times-1, 6)
		}
	}
	return 0
}

// holds reports whether a peer's ban lasts.
func (g *grudges) holds(now protocol.Time, p protocol.PeerID) bool {
	for _, x := range g.list {
		if x.peer == p {
			return now.Sub(x.last) < g.ban(p)
		}
	}
	return false
}
