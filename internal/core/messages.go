package core

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of the host's own messages.
const (
	kindPing uint8 = 1 + iota
	kindPong
	kindAsk
	kindAskReply
	kindFind
	kindFound
)

// Bounds of the host's messages (our guesses).
const (
	// MaxFindTopics bounds the topics of one Find.
	MaxFindTopics = 32
	// MaxFoundRecords bounds the records of one Found.
	MaxFoundRecords = 3
	// MaxFindTTL is how many hosts a Find visits; longer claims are cut.
	MaxFindTTL = 6
)

// ping asks for a pong. nonce:uvarint
type ping struct{ nonce uint64 }

// pong answers a ping. nonce:uvarint
type pong struct{ nonce uint64 }

// ask asks a peer whether it hears a third. peer
type ask struct{ target protocol.PeerID }

// askReply answers an ask, by a peer that has a link to the third. heard:1 peer
type askReply struct {
	target protocol.PeerID
	heard  bool
}

// find walks from host to host in search of members of topics.
//
//	nonce:8 ttl:1 last:1 count:uvarint topic:16…
//
// The topics ascend.
type find struct {
	nonce  uint64
	ttl    uint8
	last   bool // only the last host of the walk is to answer
	topics []protocol.TopicID
}

// found goes the walk's way back with members of one topic.
//
//	nonce:8 topic:16 count:uvarint record…
type found struct {
	nonce   uint64
	topic   protocol.TopicID
	records []gossipmembership.Record
}

func (ping) Kind() uint8     { return kindPing }
func (pong) Kind() uint8     { return kindPong }
func (ask) Kind() uint8      { return kindAsk }
func (askReply) Kind() uint8 { return kindAskReply }
func (find) Kind() uint8     { return kindFind }
func (found) Kind() uint8    { return kindFound }

func (m ping) AppendTo(b []byte) []byte { return binary.AppendUvarint(b, m.nonce) }
func (m pong) AppendTo(b []byte) []byte { return binary.AppendUvarint(b, m.nonce) }
func (m ask) AppendTo(b []byte) []byte  { return protocol.AppendPeer(b, m.target) }

func (m askReply) AppendTo(b []byte) []byte {
	return protocol.AppendPeer(append(b, flag(m.heard)), m.target)
}

// flag encodes a truth value.
func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// readFlag reads one.
func readFlag(r *protocol.Reader) bool {
	b := r.Byte()
	if b > 1 {
		r.Fail()
	}
	return b == 1
}

func (m find) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = append(b, m.ttl, flag(m.last))
	b = binary.AppendUvarint(b, uint64(len(m.topics)))
	for _, t := range m.topics {
		b = append(b, t[:]...)
	}
	return b
}

func (m found) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = append(b, m.topic[:]...)
	b = binary.AppendUvarint(b, uint64(len(m.records)))
	for _, rec := range m.records {
		b = protocol.AppendBytes(b, rec.AppendTo(nil))
	}
	return b
}

// decodeHost reads a message to the host object.
func decodeHost(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case kindPing:
		m = ping{r.Uvarint(1<<64 - 1)}
	case kindPong:
		m = pong{r.Uvarint(1<<64 - 1)}
	case kindAsk:
		m = ask{readPeer(r)}
	case kindAskReply:
		m = askReply{heard: readFlag(r), target: readPeer(r)}
	case kindFind:
		m = decodeFind(r)
	case kindFound:
		m = decodeFound(r)
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// readPeer reads a peer ID that is not empty.
func readPeer(r *protocol.Reader) protocol.PeerID {
	p := r.Peer()
	if p == "" {
		r.Fail()
	}
	return p
}

func decodeFind(r *protocol.Reader) find {
	m := find{nonce: r.Uint64(), ttl: r.Byte(), last: readFlag(r)}
	for range r.Count(MaxFindTopics, len(protocol.TopicID{})) {
		id := r.Topic()
		if n := len(m.topics); id.IsZero() || n > 0 && compareTopics(m.topics[n-1], id) >= 0 {
			r.Fail() // each once, or one Find would bring the same answer many times
			break
		}
		m.topics = append(m.topics, id)
	}
	return m
}

func decodeFound(r *protocol.Reader) found {
	m := found{nonce: r.Uint64(), topic: r.Topic()}
	for range r.Count(MaxFoundRecords, 1) {
		rec, err := gossipmembership.ParseRecord(r.Bytes(gossipmembership.MaxRecordSize))
		if err != nil || rec.Seq == 0 {
			r.Fail() // 0 marks what a person gave, not what a peer says
			break
		}
		m.records = append(m.records, rec)
	}
	return m
}
