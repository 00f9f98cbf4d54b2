package ipmc

import (
	"bytes"
	"errors"

	"github.com/quilt-p2p/quilt/protocol"
)

// assembly puts an item together that is listed by a first fragment. It takes nothing
// whose hash is not listed, so what is here was made by whoever made the first.
type assembly struct {
	first *First
	head  Hash // of the first
	lists [][]byte
	data  [][]byte
	have  int // of both
	bytes int // taken by data and lists
}

func newAssembly(f *First, head Hash) *assembly { return &assembly{first: f, head: head} }

// complete reports whether nothing is missing.
func (a *assembly) complete() bool { return a.have == a.first.Lists+a.first.Data }

// outcome is what became of a fragment.
type outcome uint8

const (
	taken    outcome = iota
	twice            // it is there already
	unlisted         // nothing lists it yet
	false_           // it is not what was listed
)

// putList takes a list of hashes; it costs one hash at most.
func (a *assembly) putList(m *List) outcome {
	f := a.first
	switch {
	case m.Index >= f.Lists || len(m.Hashes) != f.hashesIn(m.Index)*HashSize:
		return false_
	case a.lists != nil && a.lists[m.Index] != nil:
		return twice
	case hashOf(m.Hashes) != f.hash(m.Index):
		return false_
	}
	if a.lists == nil {
		a.lists = make([][]byte, f.Lists)
	}
	a.lists[m.Index] = m.Hashes
	a.have++
	a.bytes += len(m.Hashes)
	return taken
}

// putData takes a data fragment; it costs one hash at most.
func (a *assembly) putData(m *Fragment) outcome {
	f := a.first
	if m.Index >= f.Data || len(m.Chunk) != f.chunkLen(m.Index) {
		return false_
	}
	if a.data != nil && a.data[m.Index] != nil {
		return twice
	}
	want, known := a.want(m.Index)
	if !known {
		return unlisted
	}
	if hashOf(m.Chunk) != want {
		return false_
	}
	if a.data == nil {
		a.data = make([][]byte, f.Data)
	}
	a.data[m.Index] = m.Chunk
	a.have++
	a.bytes += len(m.Chunk)
	return taken
}

// want is the hash of a data fragment, as far as it is known yet.
func (a *assembly) want(i int) (h Hash, known bool) {
	f := a.first
	if f.Lists == 0 {
		return f.hash(i), true
	}
	list := i / f.perList()
	if a.lists == nil || a.lists[list] == nil {
		return Hash{}, false
	}
	return Hash(a.lists[list][i%f.perList()*HashSize:]), true
}

// missing are the bits of a Part, none where nothing is missing.
func (a *assembly) missing() []byte {
	f := a.first
	bits := make([]byte, (1+f.Lists+f.Data+7)/8)
	for i := range f.Lists {
		if k := 1 + i; a.lists == nil || a.lists[i] == nil {
			bits[k/8] |= 1 << (k % 8)
		}
	}
	for i := range f.Data {
		if k := 1 + f.Lists + i; a.data == nil || a.data[i] == nil {
			bits[k/8] |= 1 << (k % 8)
		}
	}
	return bytes.TrimRight(bits, "\x00")
}

var errOther = errors.New("ipmc: the item is not the one that was announced")

// item is the item of a complete assembly.
func (a *assembly) item(topic protocol.TopicID) (*protocol.Item, error) {
	f := a.first
	b := f.Chunk
	if f.Unit > 0 {
		b = make([]byte, 0, f.Size)
		b = append(b, f.Chunk...)
		for _, c := range a.data {
			b = append(b, c...)
		}
	}
	it, err := protocol.ParseItem(b)
	if err != nil {
		return nil, err
	}
	if it.Topic != topic || f.Unit > 0 && it.ID != f.Item {
		return nil, errOther
	}
	return it, nil
}
