package adversary

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// signatureLen is that of Ed25519.
const signatureLen = 64

// Kinds of the core's own messages and those about receipts, which are made by hand.
const (
	kindPing     = 1
	kindAsk      = 3
	kindAskReply = 4
	kindFind     = 5
	kindFound    = 6
	kindWho      = 1
	kindStored   = 2
)

// garbage is what a flood sends: every kind of message but those that would end its
// own places (Disconnect, Prune) and an honest peer's own words (pong, found, which
// are ignored unless asked for, as NeighborReply and ShuffleReply).
var garbage = []struct {
	name    string
	inTopic bool
	object  protocol.ObjectID
	make    func(*flood) protocol.Message
}{
	{"ping", false, protocol.ObjectHost, func(f *flood) protocol.Message {
		return f.hosts(kindPing, binary.AppendUvarint(nil, f.m.rng.Uint64()))
	}},
	{"ask", false, protocol.ObjectHost, func(f *flood) protocol.Message {
		return f.hosts(kindAsk, protocol.AppendPeer(nil, f.acquaintance()))
	}},
	{"ask reply", false, protocol.ObjectHost, func(f *flood) protocol.Message {
		return f.hosts(kindAskReply, protocol.AppendPeer([]byte{0}, f.acquaintance()))
	}},
	{"find", false, protocol.ObjectHost, func(f *flood) protocol.Message { return f.hosts(kindFind, f.findBody()) }},
	{"neighbor of hosts", false, protocol.ObjectView, neighborGarbage},
	{"shuffle of hosts", false, protocol.ObjectView, shuffleGarbage},
	{"neighbor", true, protocol.ObjectView, neighborGarbage},
	{"shuffle", true, protocol.ObjectView, shuffleGarbage},
	{"present", true, protocol.ObjectView, func(f *flood) protocol.Message {
		return gossipmembership.Present{Degree: f.m.rng.IntN(100)}
	}},
	{"announcement", true, protocol.ObjectGossip, func(f *flood) protocol.Message {
		m := gossip.IHave{Lazy: f.m.rng.IntN(2) == 0, Items: make([]gossip.Announcement, gossip.MaxIDs)}
		for i := range m.Items {
			m.Items[i] = gossip.Announcement{ID: randomID(f.m.rng), Size: 1 + f.m.rng.IntN(protocol.MaxItemSize)}
		}
		return m
	}},
	{"graft", true, protocol.ObjectGossip, func(f *flood) protocol.Message {
		m := gossip.Graft{Once: f.m.rng.IntN(2) == 0}
		for range gossip.MaxIDs {
			m.Items = append(m.Items, randomID(f.m.rng))
		}
		return m
	}},
	{"digest", true, protocol.ObjectRepair, func(f *flood) protocol.Message {
		top := 1 + f.m.rng.Uint64N(1<<40)
		return antientropy.Digest{Top: top, Runs: []antientropy.Range{{First: 1, Last: top}}, Head: randomID(f.m.rng)}
	}},
	{"pull", true, protocol.ObjectRepair, func(f *flood) protocol.Message {
		return antientropy.Pull{Token: f.m.rng.Uint32(), MaxBytes: antientropy.MaxPullBytes,
			Ranges: []antientropy.Range{{First: 1, Last: 1 << 40}}}
	}},
	{"want", true, protocol.ObjectRepair, wantGarbage},
	{"answer", true, protocol.ObjectRepair, func(f *flood) protocol.Message {
		return antientropy.Answer{Token: f.m.rng.Uint32(), Ranges: []antientropy.Range{{First: 1, Last: 1 << 40}}}
	}},
	{"reconcile", true, protocol.ObjectRepair, func(f *flood) protocol.Message {
		m := antientropy.Reconcile{Session: f.m.rng.Uint32(), Ranges: []antientropy.KeyRange{{
			Upper: antientropy.Key{Bucket: antientropy.MaxBucket + 1}, Mode: antientropy.ModeFingerprint}}}
		copy(m.Ranges[0].Fingerprint[:], noise(f.m.rng, len(m.Ranges[0].Fingerprint)))
		return m
	}},
	{"who", true, protocol.ObjectReceipts, func(f *flood) protocol.Message {
		return f.receipts(kindWho, noise(f.m.rng, 32))
	}},
	{"stored", true, protocol.ObjectReceipts, func(f *flood) protocol.Message {
		return f.receipts(kindStored, protocol.AppendPeer(append(noise(f.m.rng, 32), 1), nobody(f.m.rng)))
	}},
}

// hosts makes a message of the host's.
func (f *flood) hosts(kind uint8, body []byte) protocol.Message {
	return decoded(protocol.TopicID{}, protocol.ObjectHost, kind, body)
}

// receipts makes a message about receipts; in which topic does not matter to it.
func (f *flood) receipts(kind uint8, body []byte) protocol.Message {
	return decoded(protocol.TopicOf("any"), protocol.ObjectReceipts, kind, body)
}

// acquaintance returns a host that others may have a link to.
func (f *flood) acquaintance() protocol.PeerID {
	if len(f.met) == 0 {
		return nobody(f.m.rng)
	}
	return f.met[f.m.rng.IntN(len(f.met))]
}

func neighborGarbage(f *flood) protocol.Message {
	return gossipmembership.Neighbor{Nonce: f.m.rng.Uint64(), Degree: f.m.rng.IntN(8), Want: gossipmembership.MaxRecords}
}

// shuffleGarbage offers records of hosts that do not exist. Their keys do: anyone
// can sign as anyone new.
func shuffleGarbage(f *flood) protocol.Message {
	m := gossipmembership.Shuffle{Nonce: f.m.rng.Uint64(), Degree: f.m.rng.IntN(8)}
	for range gossipmembership.MaxRecords {
		p := nobody(f.m.rng)
		m.Records = append(m.Records, gossipmembership.Record{Peer: p, Seq: 1, Addrs: []string{string(p)}})
	}
	return m
}

func wantGarbage(f *flood) protocol.Message {
	m := antientropy.Want{Token: f.m.rng.Uint32()}
	for range antientropy.MaxWantKeys {
		m.Keys = append(m.Keys, antientropy.Key{Bucket: f.m.rng.Uint64N(antientropy.MaxBucket), ID: randomID(f.m.rng)})
	}
	slices.SortFunc(m.Keys, antientropy.Key.Compare)
	return m
}

// findBody is a walk for as many topics as one may seek, its own among them, as far
// as it may go.
func (f *flood) findBody() []byte {
	var topics []protocol.TopicID
	for _, t := range f.m.topics[:min(len(f.m.topics), core.MaxFindTopics)] {
		topics = append(topics, t.id)
	}
	for len(topics) < core.MaxFindTopics {
		topics = append(topics, protocol.TopicID(noise(f.m.rng, 16)))
	}
	slices.SortFunc(topics, func(a, b protocol.TopicID) int { return slices.Compare(a[:], b[:]) })
	b := binary.BigEndian.AppendUint64(nil, f.m.rng.Uint64())
	b = append(b, 255, 0, byte(len(topics)))
	for _, t := range topics {
		b = append(b, t[:]...)
	}
	return b
}

// nobody returns the ID of a host that does not exist.
func nobody(rng *rand.Rand) protocol.PeerID {
	return protocol.PeerID(fmt.Sprintf("nobody-%016x", rng.Uint64()))
}

func randomID(rng *rand.Rand) (id protocol.ItemID) {
	copy(id[:], noise(rng, len(id)))
	return id
}

// noise returns n random bytes.
func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+7)
	for len(b) < n {
		b = binary.BigEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:n]
}
