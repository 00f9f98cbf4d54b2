package ipmc

import (
	"crypto/sha256"

	"github.com/quilt-p2p/quilt/protocol"
)

// parcel is an item cut into packets: the first fragment, then the lists, then the
// data fragments. Lists and data are made when they are asked for.
type parcel struct {
	stream uint64
	first  *First
	item   *protocol.Item
	lists  []byte // the hashes of all data fragments, made when they are needed
}

// hashOf shortens a SHA-256.
func hashOf(b []byte) Hash {
	sum := sha256.Sum256(b)
	return Hash(sum[:])
}

// overhead of the messages of one item, in bytes.
const (
	fragmentOverhead = 8 + 9 + 2
	firstVarints     = 9 + 3 + 2 + 2 + 1 + 2 + 1 // seq, size, unit, data, lists, chunk's and signature's length
	signatureRoom    = 64
)

// cut cuts an item so that no message is longer than room. The first is not signed
// yet.
func cut(it *protocol.Item, stream uint64, origin protocol.PeerID, epoch, seq uint64, room int) *parcel {
	b := it.Bytes
	f := &First{Origin: origin, Epoch: epoch, Seq: seq, Size: len(b), Item: it.ID}
	p := &parcel{stream: stream, first: f, item: it}
	left := room - (1 + len(origin) + 8 + firstVarints + signatureRoom)
	if len(b) <= left {
		f.Chunk, f.Item = b, protocol.ItemID{}
		return p
	}
	left -= len(f.Item)
	f.Unit = min(room-fragmentOverhead, maxUnit)
	if n, ok := flat(len(b), left, f.Unit); ok {
		f.Data = n
		f.Chunk = b[:left-n*HashSize]
		f.Hashes = p.hashes()
		return p
	}
	f.Data = (len(b) + f.Unit - 1) / f.Unit
	f.Lists = (f.Data + f.perList() - 1) / f.perList()
	for i := range f.Lists {
		h := hashOf(p.list(i))
		f.Hashes = append(f.Hashes, h[:]...)
	}
	return p
}

// flat is the least number of data fragments with which their hashes fit into the
// first one, what room is left there taken by the beginning of the item.
func flat(size, left, unit int) (n int, ok bool) {
	for n = 1; n*HashSize <= left; n++ {
		if size-(left-n*HashSize) <= n*unit {
			return n, true
		}
	}
	return 0, false
}

// hashes are those of all data fragments.
func (p *parcel) hashes() []byte {
	list := make([]byte, 0, p.first.Data*HashSize)
	for i := range p.first.Data {
		h := hashOf(p.chunk(i))
		list = append(list, h[:]...)
	}
	return list
}

func (p *parcel) chunk(i int) []byte {
	at := len(p.first.Chunk) + i*p.first.Unit
	return p.item.Bytes[at : at+p.first.chunkLen(i)]
}

func (p *parcel) list(i int) []byte {
	if p.lists == nil {
		p.lists = p.hashes()
	}
	at := i * p.first.perList() * HashSize
	return p.lists[at : at+p.first.hashesIn(i)*HashSize]
}

// packets is how many messages there are.
func (p *parcel) packets() int { return 1 + p.first.Lists + p.first.Data }

// packet is the i-th of them.
func (p *parcel) packet(i int) protocol.Message {
	f := p.first
	switch i--; {
	case i < 0:
		return f
	case i < f.Lists:
		return &List{Stream: p.stream, Seq: f.Seq, Index: i, Hashes: p.list(i)}
	}
	i -= f.Lists
	return &Fragment{Stream: p.stream, Seq: f.Seq, Index: i, Chunk: p.chunk(i)}
}
