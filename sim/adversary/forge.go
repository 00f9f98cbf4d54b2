package adversary

import (
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// maxKept bounds the items a forger remembers, to answer requests and to replay;
// the oldest goes.
const maxKept = 256

// maxAhead is by how many numbers at most an invented entry is ahead of a real one.
const maxAhead = 8

// forge sends something else wherever an honest peer would send an item: the same
// with another payload, the same with another signature (and so the same ID), one
// that its author never wrote, or an old one again; of what is larger, bytes that are
// noise.
type forge struct {
	plain
	kept []*protocol.Item // oldest first
}

func newForge(m *machine) conduct { return &forge{plain: plain{m}} }

func (f *forge) hear(_ protocol.Time, in protocol.Input) protocol.Input {
	if p, ok := in.(core.Published); ok {
		f.keep(p.Item)
	}
	return in
}

func (f *forge) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if c, ok := e.Msg.(protocol.Carry); ok {
			c.Item = f.forged(c.Item)
			e.Msg = c
		}
		f.m.put(e)
	case protocol.Multicast:
		if c, ok := e.Msg.(protocol.Carry); ok {
			c.Item = f.forged(c.Item)
			e.Msg = c
		}
		f.m.put(e)
	case protocol.FetchAndSend:
		for _, id := range e.Items {
			for _, it := range f.kept {
				if it.ID == id && it.Topic == e.Topic {
					f.repair(e.To, e.Object, it, e.Expires)
				}
			}
		}
	case protocol.FetchRange:
		sent := 0
		for _, it := range f.kept {
			if it.Author == e.Author && it.Topic == e.Topic && e.First <= it.Seq && it.Seq <= e.Last && sent < e.MaxBytes {
				f.repair(e.To, e.Object, it, e.Expires)
				sent += len(it.Bytes)
			}
		}
	case swarm.FetchPieces:
		for _, i := range e.Pieces {
			f.m.put(protocol.Send{To: e.To, Topic: e.Topic, Object: e.Object, Class: protocol.Repair, Expires: e.Expires,
				Msg: swarm.Piece{Root: e.Root, Index: i, Bytes: noise(f.m.rng, large.DefaultSegment)}})
		}
	case protocol.Store:
		f.keep(e.Item)
		f.m.put(e)
	default:
		f.m.put(e)
	}
}

// keep remembers an item.
func (f *forge) keep(it *protocol.Item) {
	if len(f.kept) == maxKept {
		f.kept = append(f.kept[:0], f.kept[1:]...)
	}
	f.kept = append(f.kept, it)
}

// repair answers a request with a forgery.
func (f *forge) repair(to protocol.PeerID, object protocol.ObjectID, it *protocol.Item, expires protocol.Time) {
	f.m.put(protocol.Send{To: to, Topic: it.Topic, Object: object, Class: protocol.Repair, Expires: expires,
		Msg: protocol.Carry{Item: f.forged(it), Flags: protocol.FlagRepaired}})
}

// forged returns what is sent in an item's place.
func (f *forge) forged(it *protocol.Item) *protocol.Item {
	switch rng := f.m.rng; rng.IntN(4) {
	case 0:
		return altered(it)
	case 1:
		return it.WithSignature(noise(rng, signatureLen), it.Key)
	case 2:
		seq := it.Seq + 1 + rng.Uint64N(maxAhead)
		fake := protocol.NewItem(it.TopicName, it.Author, seq, noise(rng, len(it.Data)))
		return fake.WithSignature(noise(rng, signatureLen), nil)
	}
	return f.old(it)
}

// altered returns the item with another payload and the old signature.
func altered(it *protocol.Item) *protocol.Item {
	data := append([]byte(nil), it.Data...)
	if len(data) == 0 {
		data = []byte{0}
	}
	data[len(data)-1] ^= 1
	fake := protocol.NewItem(it.TopicName, it.Author, it.Seq, data)
	if len(it.Signature) > 0 {
		fake = fake.WithSignature(it.Signature, it.Key)
	}
	return fake
}

// old returns an item of the same topic that everybody should have already, the
// given one where there is none.
func (f *forge) old(it *protocol.Item) *protocol.Item {
	for _, o := range f.kept {
		if o.Topic == it.Topic {
			return o
		}
	}
	return it
}
