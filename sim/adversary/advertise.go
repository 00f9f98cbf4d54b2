package adversary

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/donet"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// advertiseEvery is how often maps are sent, advertiseAhead how many numbers beyond the
	// greatest heard of they name, and as many below (our guesses: as often as honest ones,
	// and more than anybody has).
	advertiseEvery = 100 * time.Millisecond
	advertiseAhead = 50
	// maxTopics bounds the topics in which it lies.
	maxTopics = 8
)

// advertise says in buffer maps that it has every item, also those that nobody has
// published yet, and serves none. What it passes on along a spanning part it passes on.
// Protocols other than donet have no buffer maps: there it only serves none.
type advertise struct {
	plain
	heard []*advertised
	at    protocol.Time
}

// advertised is a stream about which it lies.
type advertised struct {
	topic protocol.TopicID
	tag   donet.Tag
	top   uint64
}

func newAdvertise(m *machine) conduct { return &advertise{plain: plain{m}, at: protocol.Never} }

func (a *advertise) hear(now protocol.Time, in protocol.Input) protocol.Input {
	rec, ok := in.(protocol.Received)
	if !ok || rec.Object != protocol.FirstPatchObject {
		return in
	}
	if m, ok := rec.Msg.(donet.Map); ok {
		last := m.Runs[len(m.Runs)-1]
		a.note(rec.Topic, m.Tag, last.First+uint64(last.Count)-1)
		if a.at == protocol.Never {
			a.at = now.Add(advertiseEvery)
		}
	}
	return in
}

func (a *advertise) note(topic protocol.TopicID, tag donet.Tag, top uint64) {
	for _, h := range a.heard {
		if h.topic == topic && h.tag == tag {
			// Others like it name what nobody has: it does not outbid them.
			if top < h.top+advertiseAhead {
				h.top = max(h.top, top)
			}
			return
		}
	}
	if len(a.heard) < maxTopics {
		a.heard = append(a.heard, &advertised{topic, tag, top})
	}
}

func (a *advertise) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.FetchAndSend, protocol.FetchRange, swarm.FetchPieces:
	case protocol.Send:
		if _, ok := e.Msg.(donet.Map); !ok {
			a.m.put(e)
		}
	default:
		a.m.put(e)
	}
}

func (a *advertise) due() protocol.Time { return a.at }

func (a *advertise) act(now protocol.Time) {
	a.at = now.Add(advertiseEvery)
	for _, h := range a.heard {
		first := h.top - min(h.top, advertiseAhead)
		msg := donet.Map{Tag: h.tag, Size: 1100, Runs: []donet.Run{{First: first, Count: 2 * advertiseAhead}}}
		for _, p := range slices.Clone(a.m.links) {
			a.m.put(protocol.Send{To: p, Topic: h.topic, Object: protocol.FirstPatchObject, Msg: msg,
				Class: protocol.Control, Expires: now.Add(time.Second)})
		}
	}
}
