package core

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	kindWho uint8 = 1 + iota
	kindStored
)

// who asks who has stored an item. item:32
type who struct{ id protocol.ItemID }

// storedBy answers. item:32 count:uvarint peer…
type storedBy struct {
	id    protocol.ItemID
	peers []protocol.PeerID
}

func (who) Kind() uint8                { return kindWho }
func (m who) AppendTo(b []byte) []byte { return append(b, m.id[:]...) }
func (storedBy) Kind() uint8           { return kindStored }
func (m storedBy) AppendTo(b []byte) []byte {
	b = append(b, m.id[:]...)
	b = binary.AppendUvarint(b, uint64(len(m.peers)))
	for _, p := range m.peers {
		b = protocol.AppendPeer(b, p)
	}
	return b
}

// decodeReceipt reads a message of the receipts object.
func decodeReceipt(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case kindWho:
		m = who{r.Item()}
	case kindStored:
		s := storedBy{id: r.Item()}
		for range r.Count(MaxReceiptPeers, 2) {
			s.peers = append(s.peers, readPeer(r))
			if r.Err() != nil {
				break
			}
		}
		m = s
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}
