package adversary

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxKnown bounds how many of the author's items are remembered by their IDs; the
// oldest are forgotten, and then served like any other.
const maxKnown = 4096

// withholdAuthor withholds (see withhold) the items of one author, the first of the
// plot's victims, and serves all others': it keeps a good name while nobody hears from
// that author through it. It looks at nothing but what brings items, so it does so in
// any protocol.
type withholdAuthor struct {
	all   withhold
	known map[protocol.ItemID]bool // the author's, for lookup only
	order []protocol.ItemID        // known, the oldest first
}

func newWithholdAuthor(m *machine) conduct {
	return &withholdAuthor{all: withhold{plain{m}}, known: make(map[protocol.ItemID]bool)}
}

func (*withholdAuthor) due() protocol.Time { return protocol.Never }
func (*withholdAuthor) act(protocol.Time)  {}

// hear remembers which items are the author's, for a request names IDs alone.
func (w *withholdAuthor) hear(_ protocol.Time, in protocol.Input) protocol.Input {
	rec, ok := in.(protocol.Received)
	if !ok {
		return in
	}
	if c, ok := rec.Msg.(protocol.Carry); ok && w.his(c.Item.Author) && !w.known[c.Item.ID] {
		if len(w.order) == maxKnown {
			delete(w.known, w.order[0])
			w.order = w.order[1:]
		}
		w.known[c.Item.ID] = true
		w.order = append(w.order, c.Item.ID)
	}
	return in
}

// his reports whether it is the author whose items are withheld.
func (w *withholdAuthor) his(author protocol.PeerID) bool {
	victims := w.all.m.plot.victims
	return len(victims) > 0 && victims[0] == author
}

func (w *withholdAuthor) emit(now protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if w.carriesHis(e.Msg) {
			w.all.emit(now, e)
			return
		}
	case protocol.Multicast:
		if w.carriesHis(e.Msg) {
			return
		}
	case protocol.FetchAndSend:
		e.Items = slices.DeleteFunc(slices.Clone(e.Items), func(id protocol.ItemID) bool { return w.known[id] })
		if len(e.Items) > 0 {
			w.all.m.put(e)
		}
		return
	case protocol.FetchRange:
		if w.his(e.Author) {
			return
		}
	}
	w.all.m.put(e)
}

func (w *withholdAuthor) carriesHis(msg protocol.Message) bool {
	c, ok := msg.(protocol.Carry)
	return ok && w.his(c.Item.Author)
}
