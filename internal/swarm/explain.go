package swarm

import (
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Explanation is what a machine says of itself.
type Explanation struct {
	Fetching []TransferInfo `json:"fetching"`
	Waiting  int            `json:"waiting"`
	// Complete is how many contents are here in full, Serving of how many of them
	// neighbours lack something.
	Complete int   `json:"complete"`
	Serving  int   `json:"serving"`
	Stats    Stats `json:"stats"`
}

// TransferInfo is one transfer.
type TransferInfo struct {
	Root   string `json:"root"`
	Size   int64  `json:"size"`
	Pieces int    `json:"pieces"`
	Held   int    `json:"held"`
	Asked  int    `json:"asked"`
	// Sources is how many neighbours have something that is lacked here.
	Sources int  `json:"sources"`
	NoRoom  bool `json:"no_room,omitempty"`
}

// Explain implements protocol.Explainer.
func (m *Machine) Explain(protocol.Time) any {
	e := Explanation{Waiting: len(m.waiting), Complete: len(m.done), Serving: len(m.serving), Stats: m.stats, Fetching: []TransferInfo{}}
	for _, t := range m.fetching {
		info := TransferInfo{Root: t.root.String(), Size: t.layout.Size(), Pieces: t.pieces, NoRoom: t.phase == noRoom, Asked: len(t.requests)}
		if t.phase == fetching {
			info.Held = t.pieces - t.left
		}
		for _, s := range t.sides {
			if s.useful > 0 {
				info.Sources++
			}
		}
		e.Fetching = append(e.Fetching, info)
	}
	return e
}

// Stats counts what went through.
func (m *Machine) Stats() Stats { return m.stats }

// Lacks reports whether a content is known and not yet here in full.
func (m *Machine) Lacks(root large.Hash) bool {
	t := m.byRoot[root]
	return t != nil && t.phase != done
}
