package sim

import (
	"crypto/sha256"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// What is larger than an item is in memory once, however many hosts have it: a disk
// holds which pieces, and a message refers to their bytes. A piece on its way counts
// with all its bytes, but for the trace it is enough that its head says which it is.

// content is something large, and its pieces.
type content struct {
	item   *protocol.Item // its manifest
	pieces [][]byte
}

// PublishLarge publishes what is larger than an item, as manifest and pieces in
// segments of the usual length, and returns the manifest. It keeps data.
func (h *Host) PublishLarge(name string, data []byte) *protocol.Item {
	b, err := large.NewBuilder(int64(len(data)))
	if err != nil {
		panic("sim: " + err.Error())
	}
	var segments [][]byte
	for b.Next() > 0 {
		n := b.Next()
		b.Add(data[:n:n])
		segments = append(segments, data[:n:n])
		data = data[n:]
	}
	m, index := b.Finish("large")
	t := protocol.TopicOf(name)
	h.seqs[t]++
	c := &content{item: protocol.NewItem(name, h.id, h.seqs[t], m.AppendTo(nil)), pieces: append(index, segments...)}
	h.net.stock.put(m, c)
	h.pieces(m.Root(), len(c.pieces), true)
	h.disk[t].put(c.item)
	h.input(swarm.Kept{Topic: t, Root: m.Root(), Layout: m.Layout})
	h.input(core.Published{Item: c.item})
	return c.item
}

// stock is every content of a network.
type stock struct {
	byRoot map[large.Hash]*content // for lookup only
	sums   map[*byte]large.Hash    // of pieces, by where they are; for lookup only
}

func (s *stock) put(m large.Manifest, c *content) {
	if s.byRoot == nil {
		s.byRoot, s.sums = make(map[large.Hash]*content), make(map[*byte]large.Hash)
	}
	s.byRoot[m.Root()] = c
	tree := large.NewTree(m)
	for i, p := range c.pieces {
		tree.Learn(i, p)
		if hash, known := tree.Hash(i); known {
			s.sums[&p[0]] = hash
		}
	}
}

// sum is the SHA-256 of a piece: remembered, for hundreds of hosts check the same
// bytes.
func (s *stock) sum(b []byte) [large.HashSize]byte {
	if len(b) > 0 {
		if hash, ok := s.sums[&b[0]]; ok {
			return hash
		}
	}
	return sha256.Sum256(b)
}

// pieces are those of a content that are on the host's disk.
func (h *Host) pieces(root large.Hash, n int, all bool) large.Bits {
	if h.stored == nil {
		h.stored = make(map[large.Hash]large.Bits)
	}
	if h.stored[root] == nil {
		h.stored[root] = large.NewBits(n)
		if all {
			h.stored[root] = large.AllBits(n)
		}
	}
	return h.stored[root]
}

// openLarge answers an Open: disks have room.
func (h *Host) openLarge(e swarm.Open) {
	in := swarm.Opened{Topic: e.Topic, Root: e.Root}
	if c := h.net.stock.byRoot[e.Root]; c != nil {
		in.OK = h.store
		h.pieces(e.Root, len(c.pieces), false)
	}
	h.later(in)
}

// storePiece answers a StorePiece.
func (h *Host) storePiece(e swarm.StorePiece) {
	if h.store {
		h.stored[e.Root].Set(e.Index)
	}
	h.later(swarm.PieceStored{Topic: e.Topic, Token: e.Token, OK: h.store})
}

// fetchPieces streams pieces, as repair.
func (h *Host) fetchPieces(e swarm.FetchPieces) {
	c := h.net.stock.byRoot[e.Root]
	for _, i := range e.Pieces {
		if c != nil && h.stored[e.Root].Has(int(i)) {
			h.carry(e.To, frame{e.Topic, e.Object, swarm.Piece{Root: e.Root, Index: i, Bytes: c.pieces[i]}}, e.Expires)
		}
	}
}

// wholeHere tells of a content that is on disk in full.
func (h *Host) wholeHere(e swarm.Done) {
	for _, id := range e.Items {
		if i, ok := h.net.shelf.byID[id]; ok {
			h.tell(told{h: h, item: h.net.shelf.items[i]})
		}
	}
}

// encode writes a frame and returns what of it the trace sees, and its length.
func (h *Host) encode(f frame) (seen []byte, size int) {
	p, ok := f.msg.(swarm.Piece)
	if !ok || h.net.cfg.Codec {
		h.lane.buf = protocol.AppendFrame(h.lane.buf[:0], f.topic, f.object, f.msg)
		return h.lane.buf, len(h.lane.buf)
	}
	bytes := p.Bytes
	p.Bytes = bytes[:min(8, len(bytes))] // what is forged is seen
	h.lane.buf = protocol.AppendFrame(h.lane.buf[:0], f.topic, f.object, p)
	return h.lane.buf, len(h.lane.buf) - len(p.Bytes) + len(bytes)
}

func isManifest(it *protocol.Item) bool {
	_, is := large.Of(it)
	return is
}
