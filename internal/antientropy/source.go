package antientropy

import "github.com/quilt-p2p/quilt/protocol"

// maxSources bounds the neighbours that list more than a few items to us at a
// time. To all others we offer what they lack, but ask for nothing: most of what
// they would list is listed already. They are asked when a place is free. (Two,
// our guess: one may be slow, or lie. Measured with 10,000 items of 280 bytes and
// five neighbours: 1.05 MB of control instead of 2.0 MB.)
const maxSources = 2

// hasSlot reports whether a neighbour may list to us.
func (m *Open) hasSlot(n *neighbour) bool {
	others := 0
	for _, o := range m.nbrs {
		if o != n && o.topic.source {
			others++
		}
	}
	return n.topic.source || others < maxSources
}

// idle reports whether nothing that a neighbour listed is waited for.
func (t *topicState) idle(n *neighbour) bool { return len(t.wants) == 0 && n.pull == nil }

// releaseAt is when a source loses its place because all that it listed is here
// and no more has come for a round trip; Never for no source. It loses it at once
// when a pull from it fails, or its link is suspected.
func (m *Open) releaseAt(n *neighbour) protocol.Time {
	t := &n.topic
	if !t.source || !t.idle(n) || t.session != nil || t.more {
		return protocol.Never
	}
	return t.heard.Add(n.patience())
}
