package core

import (
	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// Decode reads the message in a frame. Errors mean bytes that no honest peer of
// this version sends: count them and charge the link.
func Decode(f protocol.Frame) (protocol.Message, error) { return DecodeWith(nil, f) }

// DecodeWith is Decode where a plugin, unless nil, takes gossip's place.
func DecodeWith(p *protocol.Plugin, f protocol.Frame) (protocol.Message, error) {
	if f.Object == protocol.ObjectView {
		return gossipmembership.Decode(f.Kind, f.Body)
	}
	if f.Topic.IsZero() {
		if f.Object == protocol.ObjectHost {
			return decodeHost(f.Kind, f.Body)
		}
		return nil, protocol.ErrUnknownKind
	}
	if f.Kind == protocol.KindCarry {
		return protocol.DecodeCarry(f.Body)
	}
	if p != nil && p.Decode != nil && f.Object == protocol.FirstPatchObject {
		return p.Decode(f.Kind, f.Body)
	}
	switch f.Object {
	case protocol.ObjectHost:
		return decodeTopic(f.Kind, f.Body)
	case protocol.ObjectGossip:
		return gossip.Decode(f.Kind, f.Body)
	case protocol.ObjectRepair:
		return antientropy.Decode(f.Kind, f.Body)
	case protocol.ObjectLarge:
		return swarm.Decode(f.Kind, f.Body)
	case protocol.ObjectReceipts:
		return decodeReceipt(f.Kind, f.Body)
	}
	return nil, protocol.ErrUnknownKind
}

// RecordsIn returns the records a message brings, so that the driver can check
// their signatures before the host sees the message.
func RecordsIn(m protocol.Message) []gossipmembership.Record {
	if f, ok := m.(found); ok {
		return f.records
	}
	return gossipmembership.RecordsIn(m)
}
