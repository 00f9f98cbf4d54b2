package detect

import (
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

// Evidence is one thing that was found out, or was not.
type Evidence struct {
	// Of is what it is about: "hops", "reach udp4".
	Of string `json:"of"`
	// Found is what was found, "" for nothing.
	Found string `json:"found,omitempty"`
	// By is the means.
	By string `json:"by,omitempty"`
	// Why says why nothing is known, or what to make of it.
	Why string `json:"why,omitempty"`
	// At is when; zero for what was not tried.
	At time.Time `json:"at,omitzero"`
}

// Report is what is known of one interface. It shares its slices with others: do not
// change them.
type Report struct {
	Interface   Interface
	Observation euid.Observation
	Evidence    []Evidence
}

// Change is news of one interface.
type Change struct {
	NIC protocol.NIC
	// Gone: the interface is no more, or leads nowhere any more. There is no Report.
	Gone bool
	Report
}
