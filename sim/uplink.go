package sim

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/internal/sendqueue"
	"github.com/quilt-p2p/quilt/protocol"
)

// An uplink sends one frame at a time. While it is busy frames wait at their links,
// in the queues that the running peer has (package sendqueue): bounded, control
// before items before repair, late ones dropped. When it is free the links that wait
// take turns, a frame each, as connections share a line. The core hears what the
// running peer's core would: Congested, Drained, SendDropped.

// maxServe bounds the stored items that wait for room behind one link's queue; more
// are dropped, and asked for again. A request is for some hundred at most.
const maxServe = 4096

// lineBuffer is how far ahead the line is filled, as a socket and a network card would
// (our guess, and far less than theirs): what is on it can no longer be overtaken.
const lineBuffer = 500 * time.Microsecond

// waiting is what waits at one end of a link.
type waiting struct {
	queue     sendqueue.Queue[frame]
	serve     []served // behind what the queue's class repair has room for
	congested bool     // what the core was last told
	inTurn    bool     // in uplink.turn
}

// served is a stored item on its way into the queue.
type served struct {
	frame   frame
	size    int
	expires protocol.Time
}

// uplink is the sending side of a host.
type uplink struct {
	mbps  float64       // as in the topology
	free  protocol.Time // when what it sends now is out
	turn  []int32       // the hosts to which something waits, in the order of their turns
	alarm bool          // an event is scheduled for when it is free
}

// dropped is what a core is told of a frame that was not sent.
type dropped struct {
	topic  protocol.TopicID
	object protocol.ObjectID
	item   *protocol.Item
}

// enqueue has a frame of some bytes sent on a link: at once if nothing is ahead of
// it.
func (h *Host) enqueue(other int32, l *link, f frame, size int, class protocol.Class, expires protocol.Time) {
	n := h.net
	if n.cfg.Topology == nil || h.up.free <= h.lane.now.Add(lineBuffer) && len(h.up.turn) == 0 {
		h.transmit(other, l, f, size)
		return
	}
	if l.wait == nil {
		l.wait = &waiting{}
	}
	if class == protocol.Repair && (len(l.wait.serve) > 0 || !l.wait.queue.Fits(class, size)) {
		if len(l.wait.serve) < maxServe {
			l.wait.serve = append(l.wait.serve, served{f, size, expires})
			return
		}
	}
	l.wait.queue.Push(h.lane.now, sendqueue.Entry[frame]{Frame: f, Size: size, Class: class, Expires: expires,
		Tag: dropped{f.topic, f.object, itemOf(f.msg)}})
	if !l.wait.inTurn {
		l.wait.inTurn = true
		h.up.turn = append(h.up.turn, other)
	}
	h.report(other, l)
	h.whenFree()
}

func itemOf(m protocol.Message) *protocol.Item {
	if c, ok := m.(protocol.Carry); ok {
		return c.Item
	}
	return nil
}

// whenFree schedules what is next when the uplink is free.
func (h *Host) whenFree() {
	if !h.up.alarm {
		h.up.alarm = true
		h.schedule(h.up.free.Add(-lineBuffer).Sub(h.lane.now), event{host: h.index, kind: evUplink})
	}
}

// nextFrame sends the next frame of the link whose turn it is.
func (h *Host) nextFrame() {
	h.up.alarm = false
	for len(h.up.turn) > 0 {
		if h.up.free > h.lane.now.Add(lineBuffer) {
			h.whenFree()
			return
		}
		other := h.up.turn[0]
		h.up.turn = slices.Delete(h.up.turn, 0, 1)
		l := h.links.get(other)
		if l == nil || l.wait == nil || !l.wait.inTurn {
			continue // the link is gone, or another one
		}
		l.wait.inTurn = false
		e, ok := l.wait.queue.Pop(h.lane.now, protocol.MaxFrame)
		l.wait.refill(h.lane.now)
		if frames, _ := l.wait.queue.Queued(); frames > 0 {
			l.wait.inTurn = true
			h.up.turn = append(h.up.turn, other)
		}
		if ok {
			h.transmit(other, l, e.Frame, e.Size)
		}
		h.report(other, l)
	}
}

// refill moves stored items into the queue as far as there is room.
func (w *waiting) refill(now protocol.Time) {
	for len(w.serve) > 0 && w.queue.Fits(protocol.Repair, w.serve[0].size) {
		s := w.serve[0]
		w.serve[0] = served{}
		w.serve = w.serve[1:]
		w.queue.Push(now, sendqueue.Entry[frame]{Frame: s.frame, Size: s.size, Class: protocol.Repair, Expires: s.expires,
			Tag: dropped{s.frame.topic, s.frame.object, itemOf(s.frame.msg)}})
	}
}

// report tells the core what became of a link's queue, after what happens now.
func (h *Host) report(other int32, l *link) {
	w := l.wait
	for _, lost := range w.queue.TakeLost() {
		d := lost.Tag.(dropped)
		h.later(protocol.SendDropped{Peer: h.net.hosts[other].id, Topic: d.topic, Object: d.object, Class: lost.Class, Item: d.item})
	}
	switch {
	case w.queue.Congested() && !w.congested:
		h.later(protocol.Congested{Peer: h.net.hosts[other].id})
	case !w.queue.Congested() && w.congested:
		h.later(protocol.Drained{Peer: h.net.hosts[other].id})
	}
	w.congested = w.queue.Congested()
}

// later gives the core an input as the next event of this instant.
func (h *Host) later(in protocol.Input) {
	h.schedule(0, event{host: h.index, kind: evInput, input: in})
}

// flush puts what waits at a link on the line at once, before the link is closed.
func (h *Host) flush(other int32, l *link) {
	if l.wait == nil {
		return
	}
	for {
		e, ok := l.wait.queue.Pop(h.lane.now, protocol.MaxFrame)
		if !ok {
			break
		}
		if e.Class == protocol.Control {
			h.transmit(other, l, e.Frame, e.Size)
		}
	}
	l.wait = nil
}

// transmit puts a frame on the line, and on its way if it is not lost.
func (h *Host) transmit(other int32, l *link, f frame, size int) {
	n := h.net
	h.countSent(f.msg, size)
	leaves := h.takeLine(size)
	if n.cfg.Lose != nil && n.cfg.Lose(f.object) {
		return
	}
	if n.cfg.Loss > 0 && n.links.Float64() < n.cfg.Loss || !n.reachable(h.index, other) {
		return
	}
	h.convey(l, leaves, event{host: other, kind: evMessage, from: h.index, gen: l.gen, bytes: int32(size), frame: f})
}

// countSent counts a frame that goes out.
func (h *Host) countSent(m protocol.Message, size int) {
	h.Sent.Frames++
	h.Sent.Bytes += uint64(size)
	if length, any := payload(m); any {
		h.Sent.Copies++
		h.Sent.Payload += uint64(length)
	}
}

// takeLine has bytes follow on the line what was put on it before, and returns when
// the last bit is out. Without a topology that is now.
func (h *Host) takeLine(bytes int) protocol.Time {
	if h.net.cfg.Topology == nil {
		return h.lane.now
	}
	h.up.free = max(h.up.free, h.lane.now).Add(airtime(bytes, h.upMbps()))
	return h.up.free
}

// upMbps is the bandwidth of the uplink: the topology's, or the budget if that is
// less.
func (h *Host) upMbps() float64 {
	if h.budget > 0 {
		return min(h.up.mbps, float64(h.budget)*8/1e6)
	}
	return h.up.mbps
}

// SetBudget bounds what the host sends, in bytes a second, 0 for no bound but the
// uplink's; its core is told. Without a topology nothing enforces it.
func (h *Host) SetBudget(bytesPerSecond int64) {
	h.budget = bytesPerSecond
	h.input(protocol.BudgetChanged{UploadRate: bytesPerSecond})
}
