package detect

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

func TestMeter(t *testing.T) {
	const mbit = 1e6 / 8 // bytes
	var m Meter
	if got := m.Measured(); got != (euid.Measured{}) {
		t.Errorf("of nothing: %+v", got)
	}
	m.Sent(mbit, time.Second)
	m.Sent(mbit, time.Second)
	if got := m.Measured().Up; got != 0 {
		t.Errorf("two samples make %v", got)
	}
	m.Sent(mbit, 2*time.Second) // there was less to send
	m.Sent(1000, time.Millisecond)
	m.Sent(10*mbit, time.Microsecond)
	if got := m.Measured().Up; got != 1e6 {
		t.Errorf("up %v", got)
	}
	m.RTT(20 * time.Millisecond)
	m.RTT(0)
	m.Packets(999, 9)
	if got := m.Measured(); got.RTT != 20*time.Millisecond || got.Sent != 0 {
		t.Errorf("%+v", got)
	}
	m.Packets(1, 1)
	m.Packets(-1, 0)
	m.Packets(1, 2)
	if got := m.Measured(); got.Sent != 1000 || got.Lost != 10 {
		t.Errorf("%+v", got)
	}
}

// TestMeterIsBounded: the latest samples count, and no count grows for ever.
func TestMeterIsBounded(t *testing.T) {
	var m Meter
	for range 3 * MaxSamples {
		m.Received(1e6, time.Second)
	}
	for range MaxSamples {
		m.Received(2e6, time.Second)
	}
	if got := m.Measured().Down; got != 16e6 || len(m.down.list) != MaxSamples {
		t.Errorf("down %v of %d samples", got, len(m.down.list))
	}
	for range 100 {
		m.Packets(maxPackets, maxPackets/2)
	}
	m.Packets(1<<30, 1<<30)
	if m.sent > 3*maxPackets || m.lost > m.sent {
		t.Errorf("%d of %d lost", m.lost, m.sent)
	}
}

// TestOutliers: one sample that a buffer swallowed does not decide.
func TestOutliers(t *testing.T) {
	var m Meter
	for range 10 {
		m.Sent(1e6, time.Second)
	}
	m.Sent(1e9, time.Second)
	if got := m.Measured().Up; got != 8e6 {
		t.Errorf("up %v", got)
	}
}
