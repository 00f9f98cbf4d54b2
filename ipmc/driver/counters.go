package driver

import "sync/atomic"

// counters count as it happens.
type counters struct {
	sent, sendBytes, sendCalls, sendFailed, sendDropped     atomic.Uint64
	heard, heardBytes, readCalls, foreign, forged, oversize atomic.Uint64
	elsewhere, joinFailed, rostersDropped, kernelDropped    atomic.Uint64
}

// Counters is what a driver has done since it was opened.
type Counters struct {
	// Sent are datagrams, SendCalls the calls to the system that they took, SendFailed
	// those it refused, SendDropped those for which the queue had no room.
	Sent, SendBytes, SendCalls, SendFailed, SendDropped uint64
	// Heard are datagrams that were handed on, ReadCalls the calls. Foreign were none
	// of ours or of no topic here, Forged had a false tag, Oversize were too long,
	// Elsewhere came by an interface that is not used.
	Heard, HeardBytes, ReadCalls, Foreign, Forged, Oversize, Elsewhere uint64
	// JoinFailed are groups that were to be heard in others' place and could not be
	// joined, RostersDropped what was said about groups and there was no time for.
	JoinFailed, RostersDropped uint64
	// KernelDropped is what the system dropped at these sockets: what its filter found
	// foreign or too long, and that for which there was no room.
	KernelDropped uint64
}

// Counters returns them.
func (d *Driver) Counters() Counters {
	c := &d.counts
	dropped := c.kernelDropped.Load()
	d.mu.Lock()
	for _, e := range d.ears {
		dropped += e.dropped()
	}
	d.mu.Unlock()
	return Counters{
		KernelDropped: dropped,
		Sent:          c.sent.Load(), SendBytes: c.sendBytes.Load(), SendCalls: c.sendCalls.Load(), SendFailed: c.sendFailed.Load(), SendDropped: c.sendDropped.Load(),
		Heard: c.heard.Load(), HeardBytes: c.heardBytes.Load(), ReadCalls: c.readCalls.Load(), Foreign: c.foreign.Load(), Forged: c.forged.Load(),
		Oversize: c.oversize.Load(), Elsewhere: c.elsewhere.Load(), JoinFailed: c.joinFailed.Load(), RostersDropped: c.rostersDropped.Load(),
	}
}
