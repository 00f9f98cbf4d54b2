package adversary

import (
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// grabEvery is how often a grabber asks for places.
	grabEvery = time.Second
	// dialEvery is how long it waits before it dials a host again.
	dialEvery = 5 * time.Second
	// maxTargets bounds whom a grabber wants; further ones it does not notice.
	maxTargets = 1024
	// maxGrabs bounds the targets that it turns to at once; the others have their
	// turn the next time.
	maxGrabs = 16
)

// grab is what eclipse and sybil have in common: it wants places in active views.
// It asks its targets for them again and again, as one that has no neighbour at
// all and so may have a place kept for newcomers; dials them where there is no link;
// never takes leave of one nor lets go of its link; says yes to whoever asks. Where it
// names members it names fellows only. For items it does nothing.
type grab struct {
	plain
	targets []target
	wanted  map[protocol.PeerID]bool // those of targets, for lookup only
	turn    int                      // of targets
	next    protocol.Time
	kept    []protocol.Link // links that the core would have closed
}

// target is a host whose links are wanted.
type target struct {
	peer   protocol.PeerID
	dialAt protocol.Time
}

func newGrab(m *machine) grab { return grab{plain: plain{m}, wanted: make(map[protocol.PeerID]bool)} }

// want adds a target.
func (g *grab) want(p protocol.PeerID) {
	if !g.wanted[p] && !g.m.plot.fellow(p) && len(g.targets) < maxTargets {
		g.wanted[p] = true
		g.targets = append(g.targets, target{peer: p})
	}
}

// wants reports whether a host is a target. One that has joined the plot since is
// not.
func (g *grab) wants(p protocol.PeerID) bool { return g.wanted[p] && !g.m.plot.fellow(p) }

// hear answers targets' shuffles: the core would, only while it thinks of them as
// neighbours.
func (g *grab) hear(now protocol.Time, in protocol.Input) protocol.Input {
	rec, ok := in.(protocol.Received)
	if !ok || rec.Object != protocol.ObjectView {
		return in
	}
	if m, ok := rec.Msg.(gossipmembership.Shuffle); ok && g.wants(rec.From.Peer) {
		g.tell(now, rec.From.Peer, rec.Topic, gossipmembership.ShuffleReply{
			Nonce: m.Nonce, Degree: m.Degree, Records: g.m.plot.some(g.m.rng, g.m.self.Peer, gossipmembership.MaxRecords)})
		return nil
	}
	return in
}

func (g *grab) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Close:
		if g.wants(e.Peer) && g.m.linked(e.Peer) {
			g.kept = append(g.kept, protocol.Link{Peer: e.Peer})
			return
		}
	case protocol.Send:
		if aboutItems(e) {
			return
		}
		if e.Msg = g.rewrite(e); e.Msg != nil {
			g.m.put(e)
		}
		return
	}
	if !aboutItems(e) {
		g.m.put(e)
	}
}

// rewrite returns what is said instead of an honest message of membership, nil for
// nothing.
func (g *grab) rewrite(e protocol.Send) protocol.Message {
	fellows := func(n int) []gossipmembership.Record { return g.m.plot.some(g.m.rng, g.m.self.Peer, n) }
	switch m := e.Msg.(type) {
	case gossipmembership.Neighbor:
		m.Degree = 0
		return m
	case gossipmembership.NeighborReply:
		if g.wants(e.To) {
			m.Accept, m.Records = true, nil
		} else if len(m.Records) > 0 {
			m.Records = fellows(len(m.Records))
		}
		return m
	case gossipmembership.Disconnect:
		if g.wants(e.To) {
			return nil
		}
	case gossipmembership.Shuffle:
		m.Records = fellows(gossipmembership.MaxRecords)
		return m
	case gossipmembership.ShuffleReply:
		m.Records = fellows(gossipmembership.MaxRecords)
		return m
	}
	if n := len(core.RecordsIn(e.Msg)); n > 0 {
		return foundOf(e.Msg, fellows(n))
	}
	return e.Msg
}

func (g *grab) due() protocol.Time { return g.next }

func (g *grab) act(now protocol.Time) {
	g.next = now.Add(grabEvery)
	for _, l := range g.kept {
		if g.m.linked(l.Peer) { // the core is told that it has come back
			g.m.honest.Handle(now, protocol.LinkUp{Link: l}, &g.m.inner)
		}
	}
	g.kept = g.kept[:0]
	for range min(len(g.targets), maxGrabs) {
		g.turn = (g.turn + 1) % len(g.targets)
		if t := &g.targets[g.turn]; g.wants(t.peer) {
			g.grab(now, t)
		}
	}
}

// grab asks a target for a place in each of its views, or for a link.
func (g *grab) grab(now protocol.Time, t *target) {
	if !g.m.linked(t.peer) {
		if t.dialAt <= now {
			t.dialAt = now.Add(dialEvery)
			g.m.put(core.Dial{Peer: t.peer})
		}
		return
	}
	for _, group := range g.m.groups() {
		g.tell(now, t.peer, group, gossipmembership.Neighbor{Nonce: g.m.rng.Uint64()})
	}
}

// tell sends a message of a view.
func (g *grab) tell(now protocol.Time, to protocol.PeerID, group protocol.TopicID, msg protocol.Message) {
	g.m.put(protocol.Send{To: to, Topic: group, Object: protocol.ObjectView, Msg: msg,
		Class: protocol.Control, Expires: now.Add(grabEvery)})
}

// foundOf returns the core's answer to a walk with other records in it. Its body is
// a number of 8 bytes, a topic of 16, and a list of records.
func foundOf(msg protocol.Message, recs []gossipmembership.Record) protocol.Message {
	body := msg.AppendTo(nil)[:8+16]
	body = binary.AppendUvarint(body, uint64(len(recs)))
	for i := range recs {
		body = protocol.AppendBytes(body, recs[i].AppendTo(nil))
	}
	return decoded(protocol.TopicID{}, protocol.ObjectHost, msg.Kind(), body)
}

// decoded reads a message that is made by hand. It panics on one that would not
// decode, for the tables of this package are then not those of the core.
func decoded(topic protocol.TopicID, object protocol.ObjectID, kind uint8, body []byte) protocol.Message {
	msg, err := core.Decode(protocol.Frame{Topic: topic, Object: object, Kind: kind, Body: body})
	if err != nil {
		panic("adversary: a message made by hand does not decode: " + err.Error())
	}
	return msg
}
