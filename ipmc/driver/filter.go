package driver

import (
	"encoding/binary"

	"golang.org/x/net/bpf"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// maxFiltered bounds the topics that the system tells apart for us: jumps of its filters
// are short.
const maxFiltered = 100

// filter is a program by which the system drops, before anybody is woken, what is no
// datagram of these topics or too long: so foreign packets, and those of topics that
// share a group and are not ours, cost next to nothing. It looks at the first four
// bytes of a topic's ID; [ipmc.Tagger.Open] looks at all. What it drops counts as
// dropped by the system. A datagram begins behind the 8 bytes of UDP's header.
func filter(topics []protocol.TopicID, packet int) ([]bpf.RawInstruction, error) {
	const udp = 8
	frame := uint32(udp + ipmc.Overhead)
	program := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(udp + packet), SkipTrue: 0, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: udp, Size: 4}, // outside of the packet: it is dropped
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32([]byte(ipmc.Magic)), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: frame + 1, Size: 4},
	}
	if len(topics) <= maxFiltered {
		for i, t := range topics {
			program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(t[:4]), SkipTrue: uint8(len(topics) - i)})
		}
		program = append(program, bpf.RetConstant{Val: 0})
	}
	return bpf.Assemble(append(program, bpf.RetConstant{Val: 1 << 18}))
}

// setFilter gives a socket the filter of the topics that there are. Where the system
// takes none, Open drops the same at a higher price. d.mu is held.
func (d *Driver) setFilter(e *ear) {
	if d.unfiltered {
		return
	}
	keys := *d.keys.Load()
	topics := make([]protocol.TopicID, 0, len(keys))
	for t := range keys { // in any order: it is a set
		topics = append(topics, t)
	}
	program, err := filter(topics, d.cfg.Packet)
	if err != nil {
		return
	}
	if e.v4 != nil {
		_ = e.v4.SetBPF(program)
	} else {
		_ = e.v6.SetBPF(program)
	}
}
