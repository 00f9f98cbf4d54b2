package adversary

import (
	"math/rand/v2"
	"slices"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// Plot is what the attackers of one run know together. They fill it in themselves
// as they start.
type Plot struct {
	fellows []gossipmembership.Record // in the order in which they started
	places  map[protocol.PeerID]int   // of fellows, for lookup only
	victims []protocol.PeerID         // in the order in which they became known
}

// NewPlot returns the plot of one run against the given hosts, publishers mostly.
// The owners of the feeds that attackers join are victims as well.
func NewPlot(victims ...protocol.PeerID) *Plot {
	p := &Plot{places: make(map[protocol.PeerID]int)}
	p.Against(victims...)
	return p
}

// Against adds victims; those that are known, and the empty ID, are ignored.
func (p *Plot) Against(victims ...protocol.PeerID) {
	for _, v := range victims {
		if v != "" && !slices.Contains(p.victims, v) {
			p.victims = append(p.victims, v)
		}
	}
}

// enlist adds a fellow, or his newer record.
func (p *Plot) enlist(r gossipmembership.Record) {
	if i, ok := p.places[r.Peer]; ok {
		p.fellows[i] = r
		return
	}
	p.places[r.Peer] = len(p.fellows)
	p.fellows = append(p.fellows, r)
}

// fellow reports whether a host is one of the attackers.
func (p *Plot) fellow(id protocol.PeerID) bool {
	_, ok := p.places[id]
	return ok
}

// some returns at most n records of fellows: first's at the head, no other twice.
func (p *Plot) some(rng *rand.Rand, first protocol.PeerID, n int) []gossipmembership.Record {
	var recs []gossipmembership.Record
	if i, ok := p.places[first]; ok && n > 0 {
		recs = append(recs, p.fellows[i])
	}
	for _, i := range rng.Perm(len(p.fellows)) {
		if len(recs) < n && p.fellows[i].Peer != first {
			recs = append(recs, p.fellows[i])
		}
	}
	return recs
}
