package adversary

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// floodEvery is the time between two volleys.
	floodEvery = 100 * time.Millisecond
	// floodBytes bounds what one volley sends, in bytes of messages: 4 Mbit/s, an
	// uplink at home (our guess).
	floodBytes = 50_000
	// floodMessages bounds its messages: 640 a second.
	floodMessages = 64
	// floodForgeEvery is how often everybody gets an invalid item: rarely, for a few
	// of them end a link.
	floodForgeEvery = 20 * time.Second
	// floodDialEvery is how often it dials a host to which it has no link.
	floodDialEvery = 500 * time.Millisecond
	// maxMet bounds the hosts that it knows to dial; further ones it does not notice.
	maxMet = 1024
)

// flood sends, beside what an honest peer does, garbage of every kind that the core
// takes (see garbage.go) to all its links, as much as floodBytes allows, and dials
// everybody that it hears of.
type flood struct {
	plain
	met     []protocol.PeerID
	turn    int // of met
	link    int // whose turn it is
	kind    int // of garbage
	next    protocol.Time
	forgeAt protocol.Time
	dialAt  protocol.Time
}

func newFlood(m *machine) conduct {
	return &flood{plain: plain{m}, forgeAt: protocol.Time(floodForgeEvery)}
}

func (f *flood) hear(_ protocol.Time, in protocol.Input) protocol.Input {
	switch in := in.(type) {
	case protocol.LinkUp:
		f.meet(in.Link.Peer)
	case protocol.Received:
		for _, r := range core.RecordsIn(in.Msg) {
			f.meet(r.Peer)
		}
	}
	return in
}

func (f *flood) meet(p protocol.PeerID) {
	if len(f.met) < maxMet && !slices.Contains(f.met, p) && !f.m.plot.fellow(p) {
		f.met = append(f.met, p)
	}
}

func (f *flood) due() protocol.Time { return f.next }

func (f *flood) act(now protocol.Time) {
	f.next = now.Add(floodEvery)
	if f.dialAt <= now && len(f.met) > 0 {
		f.dialAt = now.Add(floodDialEvery)
		f.dial()
	}
	if f.forgeAt <= now {
		f.forgeAt = now.Add(floodForgeEvery)
		f.invent(now)
	}
	f.volley(now)
}

// dial dials the next host without a link.
func (f *flood) dial() {
	for range f.met {
		f.turn = (f.turn + 1) % len(f.met)
		if p := f.met[f.turn]; !f.m.linked(p) {
			f.m.put(core.Dial{Peer: p})
			return
		}
	}
}

// volley sends garbage, each link and each kind in its turn.
func (f *flood) volley(now protocol.Time) {
	victims := slices.DeleteFunc(slices.Clone(f.m.links), f.m.plot.fellow)
	for sent, n := 0, 0; len(victims) > 0 && n < floodMessages; n++ {
		f.link++
		if f.link%len(victims) == 0 {
			f.kind++
		}
		to := victims[f.link%len(victims)]
		g := garbage[f.kind%len(garbage)]
		if g.inTopic && len(f.m.topics) == 0 {
			continue
		}
		var topic protocol.TopicID
		if g.inTopic {
			topic = f.m.topics[f.m.rng.IntN(len(f.m.topics))].id
		}
		msg := g.make(f)
		if sent += len(msg.AppendTo(nil)); sent > floodBytes {
			return
		}
		f.m.put(protocol.Send{To: to, Topic: topic, Object: g.object, Msg: msg, Class: protocol.Control, Expires: now.Add(floodEvery)})
	}
}

// invent sends everybody an item that nobody wrote, in each topic.
func (f *flood) invent(now protocol.Time) {
	for _, t := range f.m.topics {
		author := t.owner
		if author == "" {
			author = f.m.self.Peer
		}
		fake := protocol.NewItem(t.name, author, 1+f.m.rng.Uint64N(1<<20), noise(f.m.rng, 1000))
		fake = fake.WithSignature(noise(f.m.rng, signatureLen), nil)
		for _, p := range f.m.links {
			f.m.put(protocol.Send{To: p, Topic: t.id, Object: protocol.ObjectGossip, Msg: protocol.Carry{Item: fake},
				Class: protocol.Fresh, Expires: now.Add(floodEvery)})
		}
	}
}
