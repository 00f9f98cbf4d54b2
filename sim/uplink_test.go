package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/sendqueue"
	"github.com/quilt-p2p/quilt/protocol"
)

// slowHosts are linked hosts of which the first has an uplink of 1 Mbit/s, and what
// its core was told of its queues.
func slowHosts(t *testing.T, n int) (*Network, []*Host, *[]protocol.Input) {
	topo := world(t, n)
	topo.Hosts[0].Up = 1
	net := New(Config{Seed: 1, Topology: topo})
	h := make([]*Host, n)
	for i := range h {
		h[i] = net.Add()
	}
	for i := range h[1:] {
		h[0].dial(h[i+1].id)
	}
	net.Run(400 * time.Millisecond)
	told := new([]protocol.Input)
	net.see = func(e *event) {
		switch e.input.(type) {
		case protocol.Congested, protocol.Drained, protocol.SendDropped:
			*told = append(*told, e.input)
		}
	}
	return net, h, told
}

// kilobit is a frame that takes 1 ms at 1 Mbit/s.
func kilobit(number int) frame { return probeFrame(number, 125-probeHeader) }

// TestUrgentFirst: while the line is busy control goes before items, items before
// repair, each in order.
func TestUrgentFirst(t *testing.T) {
	net, h, _ := slowHosts(t, 2)
	for i, class := range []protocol.Class{protocol.Control, protocol.Repair, protocol.Fresh, protocol.Control, protocol.Repair, protocol.Fresh} {
		h[0].send(h[1].id, kilobit(i), class, protocol.Never)
	}
	net.see = nil
	var order []int
	for _, a := range net.probes(time.Duration(net.Now())+time.Second, h[1]) {
		order = append(order, a.number)
	}
	if got := fmt.Sprint(order); got != "[0 3 2 5 1 4]" {
		t.Errorf("arrived in order %s", got)
	}
}

// TestLinksTakeTurns: a link with little to send does not wait for one with much.
func TestLinksTakeTurns(t *testing.T) {
	net, h, _ := slowHosts(t, 3)
	for i := range 100 {
		h[0].send(h[1].id, kilobit(i), protocol.Fresh, protocol.Never)
	}
	h[0].send(h[2].id, kilobit(100), protocol.Fresh, protocol.Never)
	start := time.Duration(net.Now())
	net.see = nil
	got := net.probes(start+time.Second, h[2])
	if want := start + 3*time.Millisecond + net.latency(0, 2); len(got) != 1 || got[0].at != want {
		t.Errorf("arrived %v, want one at %v: behind one frame on the line and one in turn", got, want)
	}
}

// TestBackPressure: half full is congestion, full drops, and below an eighth it is
// over; the core is told each of it once.
func TestBackPressure(t *testing.T) {
	net, h, told := slowHosts(t, 2)
	it := protocol.NewItem("x", h[0].id, 1, make([]byte, 100))
	const over = 3
	for range 1 + sendqueue.MaxFreshFrames + over { // one is on the line
		h[0].send(h[1].id, frame{topic: it.Topic, object: protocol.FirstPatchObject, msg: protocol.Carry{Item: it}}, protocol.Fresh, protocol.Never)
	}
	if frames, _ := h[0].links.get(1).wait.queue.Queued(); frames > sendqueue.MaxFreshFrames {
		t.Errorf("%d frames wait", frames)
	}
	net.Run(time.Minute)
	want := "protocol.Congested "
	for range over {
		want += "protocol.SendDropped "
	}
	got := ""
	for _, in := range *told {
		got += fmt.Sprintf("%T ", in)
		if d, ok := in.(protocol.SendDropped); ok && (d.Item != it || d.Class != protocol.Fresh || d.Object != protocol.FirstPatchObject || d.Peer != h[1].id) {
			t.Errorf("told %+v", d)
		}
	}
	if want += "protocol.Drained "; got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}

// TestLateFramesGo: a frame whose time is up before its turn is not sent.
func TestLateFramesGo(t *testing.T) {
	net, h, told := slowHosts(t, 2)
	late := net.Now().Add(4400 * time.Microsecond)
	for i := range 10 {
		h[0].send(h[1].id, kilobit(i), protocol.Fresh, late)
	}
	net.Run(time.Duration(net.Now()) + time.Second)
	if len(*told) != 5 || h[0].Sent.Frames < 5 {
		t.Errorf("%d of 10 expired, want 5: one each millisecond until %v", len(*told), late)
	}
}

// TestRepairWaits: stored items beyond the queue's room wait and lose none; beyond
// maxServe they are dropped.
func TestRepairWaits(t *testing.T) {
	for _, c := range []struct{ items, lost int }{
		{1 + sendqueue.MaxRepairFrames + maxServe, 0},
		{1 + sendqueue.MaxRepairFrames + maxServe + 7, 7},
	} {
		net, h, told := slowHosts(t, 2)
		it := protocol.NewItem("x", h[0].id, 1, make([]byte, 10))
		for range c.items {
			h[0].carry(h[1].id, frame{it.Topic, protocol.ObjectRepair, protocol.Carry{Item: it}}, protocol.Never)
		}
		net.Run(time.Minute)
		if len(*told) != c.lost {
			t.Errorf("%d items: the core was told %d times, want %d", c.items, len(*told), c.lost)
		}
	}
}

// TestBudget: a host sends no faster than its budget, and its machines know it.
func TestBudget(t *testing.T) {
	topo := world(t, 2)
	var told []int64
	net := New(Config{Seed: 1, Topology: topo, Plugin: &protocol.Plugin{
		New: func(protocol.Env) protocol.Machine { return budgetWatcher{&told} }}})
	a, b := net.Add(), net.Add()
	a.Join("x", "")
	a.SetBudget(12_500) // a tenth of a megabit
	a.Join("y", "")
	a.dial(b.id)
	net.Run(300 * time.Millisecond)
	start := time.Duration(net.Now())
	a.send(b.id, kilobit(0), protocol.Fresh, protocol.Never)
	got := net.probes(start+time.Second, b)
	if want := start + 10*time.Millisecond + net.latency(0, 1); len(got) != 1 || got[0].at != want {
		t.Errorf("arrived %v, want at %v", got, want)
	}
	if fmt.Sprint(told) != "[12500 12500]" {
		t.Errorf("machines were told of budgets %v", told)
	}
}

// budgetWatcher is a machine that only notes its budget.
type budgetWatcher struct{ told *[]int64 }

func (w budgetWatcher) Handle(_ protocol.Time, in protocol.Input, _ *protocol.Outbox) {
	if b, ok := in.(protocol.BudgetChanged); ok {
		*w.told = append(*w.told, b.UploadRate)
	}
}
func (budgetWatcher) Advance(protocol.Time, *protocol.Outbox) {}
func (budgetWatcher) Deadline() protocol.Time                 { return protocol.Never }

// TestDeathDuringDial: a dial whose target dies while it is on its way fails.
func TestDeathDuringDial(t *testing.T) {
	net := New(Config{Seed: 1, DialTimeout: 2 * time.Second})
	a, b := net.Add(), net.Add()
	a.dial(b.id)
	net.Run(10 * time.Millisecond)
	b.Kill()
	failed := 0
	net.see = func(e *event) {
		if f, ok := e.input.(protocol.DialFailed); ok && f.Peer == b.id {
			failed++
		}
	}
	net.Run(5 * time.Second)
	if failed != 1 || a.Linked(b) {
		t.Errorf("%d failures, linked: %v", failed, a.Linked(b))
	}
}

// TestReset: when a host is reset its neighbours learn it one trip later.
func TestReset(t *testing.T) {
	net, h := linkedHosts(t, Config{Seed: 1}, 3)
	h[1].Reset()
	net.Run(time.Duration(net.Now()) + 19*time.Millisecond)
	before := h[0].Linked(h[1]) && h[2].Linked(h[1])
	net.Run(time.Duration(net.Now()) + time.Millisecond)
	if !before || h[0].Linked(h[1]) || h[2].Linked(h[1]) {
		t.Errorf("linked until then: %v, after: %v %v", before, h[0].Linked(h[1]), h[2].Linked(h[1]))
	}
}
