package core

import (
	"cmp"
	"slices"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// MaxNICs bounds the interfaces whose EUIDs a host keeps: what its record has room
// for. Those beyond are not heard of.
const MaxNICs = gossipmembership.MaxEUIDs

// NICInfo is what a host knows of one of its interfaces.
type NICInfo struct {
	NIC protocol.NIC
	// EUID is encoded (package euid), and shared.
	EUID []byte
}

// nicTable holds the EUIDs of this host's interfaces, by number. The record that the
// host publishes is not made of it: the driver signs that, and gives it by
// [SelfRecord].
type nicTable struct{ list []NICInfo }

// change takes in what the driver says of one interface, and reports whether there
// was room.
func (t *nicTable) change(in protocol.EUIDChanged) bool {
	i, known := slices.BinarySearchFunc(t.list, in.NIC, func(n NICInfo, nic protocol.NIC) int { return cmp.Compare(n.NIC, nic) })
	switch {
	case known && in.EUID == nil:
		t.list = slices.Delete(t.list, i, i+1)
	case known:
		t.list[i].EUID = in.EUID
	case in.EUID == nil:
	case len(t.list) == MaxNICs:
		return false
	default:
		t.list = slices.Insert(t.list, i, NICInfo(in))
	}
	return true
}

// heard routes what was heard on a multicast group. Nobody has proved who sent it: it
// says nothing of a link, and only objects of patches, which know what to make of it,
// get it.
func (h *Host) heard(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	t := h.topics.get(in.Topic)
	if t == nil || in.Object < protocol.FirstPatchObject {
		out.Add(protocol.Event{Name: "core.multicast-refused", Topic: in.Topic, Peer: in.From.Peer})
		return
	}
	h.toObject(now, t, in.Object, in)
}
