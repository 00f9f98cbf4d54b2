package antientropy

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// MaxEvidence bounds the forked entries that are asked for as evidence in
	// the life of a machine; the store keeps no more of a feed either.
	MaxEvidence = 8
	// maxEvidenceAsks bounds how often each is asked for: messages get lost.
	maxEvidenceAsks = 3
)

// evidence is an entry that a neighbour holds in the place of another one that is
// held here: the author has signed both.
type evidence struct {
	id   protocol.ItemID
	asks int
	got  bool
}

// lookForFork compares the heads of two runs that end with the same entry. Other
// forks are found by readers, who follow the chain of entries.
func (m *Owned) lookForFork(now protocol.Time, n *neighbour, d Digest, out *protocol.Outbox) {
	if len(d.Runs) == 0 {
		return
	}
	run := search(m.held.ranges, d.Runs[0].Last)
	if run == len(m.held.ranges) || m.held.ranges[run].Last != d.Runs[0].Last {
		return
	}
	ours, unknown := m.held.heads[run], protocol.ItemID{}
	if d.Head == ours || d.Head == unknown || ours == unknown {
		return
	}
	i := slices.IndexFunc(m.evidence, func(e evidence) bool { return e.id == d.Head })
	if i < 0 {
		if len(m.evidence) == MaxEvidence {
			return
		}
		i = len(m.evidence)
		m.evidence = append(m.evidence, evidence{id: d.Head})
		out.Note("repair.fork", n.peer, d.Head, int64(d.Runs[0].Last))
	}
	e := &m.evidence[i]
	if e.got || e.asks == maxEvidenceAsks {
		return
	}
	e.asks++
	out.Send(n.peer, Want{Token: m.nextToken(), Keys: []Key{{ID: d.Head}}}, protocol.Control, now.Add(controlFor))
	// The neighbour compares in its turn once it knows our head.
	if n.feed.toldVersion != m.version {
		m.sendDigest(now, n, d.From, out)
	}
}

// awaited reports whether an entry was asked for as evidence, and takes it as
// come.
func (m *Owned) awaited(id protocol.ItemID) bool {
	for i := range m.evidence {
		if e := &m.evidence[i]; e.id == id && !e.got {
			e.got = true
			return true
		}
	}
	return false
}

// onWant serves evidence: the store passes over what it does not hold.
func (m *Owned) onWant(now protocol.Time, n *neighbour, w Want, out *protocol.Outbox) {
	if len(w.Keys) > MaxEvidence || !m.mayServe(now, n) {
		return
	}
	var ids []protocol.ItemID
	for _, k := range w.Keys {
		ids = append(ids, k.ID)
	}
	m.stats.Served++
	out.FetchAndSend(n.peer, ids, now.Add(serveFor))
}
