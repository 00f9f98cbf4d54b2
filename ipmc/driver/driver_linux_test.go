package driver

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

var topic = protocol.TopicOf("news")

// heardFrame is one frame heard.
type heardFrame struct {
	from  protocol.Origin
	frame []byte
}

// open opens a driver on loopback that has a topic.
func open(t *testing.T, cfg Config) (*Driver, chan heardFrame) {
	t.Helper()
	cfg.Interfaces = []string{"lo"}
	heard := make(chan heardFrame, 1024)
	d, err := Open(cfg, func(from protocol.Origin, frame []byte) { heard <- heardFrame{from, frame} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.AddTopic(topic, ipmc.KeyOf("news", "", nil))
	return d, heard
}

func message(n int) *ipmc.Nack {
	return &ipmc.Nack{Stream: 1, Runs: []ipmc.Run{{Seq: uint64(n), Len: 1}}}
}

func (d *Driver) say(group netip.AddrPort, n int) {
	d.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: topic, Object: 16, Msg: message(n)})
}

// sendFails waits until something was sent, or could not be.
func sendFails(d *Driver) bool {
	for c := d.Counters(); ; c = d.Counters() {
		if c.Sent+c.SendFailed > 0 {
			return c.Sent == 0
		}
		time.Sleep(time.Millisecond)
	}
}

// next waits for a frame.
func next(t *testing.T, heard chan heardFrame) heardFrame {
	t.Helper()
	select {
	case h := <-heard:
		return h
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is heard")
		panic("unreachable")
	}
}

// await waits for a count.
func await(t *testing.T, what string, count func() uint64, want uint64) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); count() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %d, want %d", what, count(), want)
		}
	}
}

// TestShared: two peers on one host hear each other and themselves, in order, by
// both versions of IP.
func TestShared(t *testing.T) {
	for _, six := range []bool{false, true} {
		group := ipmc.GroupOf("news", t.Name(), ipmc.SiteLocal, six)
		a, heardA := open(t, Config{})
		b, heardB := open(t, Config{})
		for _, d := range []*Driver{a, b} {
			if err := d.Join(d.nics[0].NIC, group); err != nil {
				t.Fatal(err)
			}
			if err := d.Join(d.nics[0].NIC, group); err != nil {
				t.Fatal(err) // once more changes nothing
			}
		}
		for i := range 100 {
			a.say(group, i+1)
		}
		if six && sendFails(a) {
			t.Log("no IPv6 multicast on loopback here")
			continue
		}
		for _, heard := range []chan heardFrame{heardA, heardB} {
			for i := range 100 {
				h := next(t, heard)
				if want := protocol.AppendFrame(nil, topic, 16, message(i+1)); !bytes.Equal(h.frame, want) {
					t.Fatalf("IPv6 %v: %d is %x, want %x", six, i, h.frame, want)
				}
				if !h.from.Multicast || h.from.NIC != a.nics[0].NIC || !h.from.Addr.IsValid() || h.from.Authenticated {
					t.Fatalf("it came from %+v", h.from)
				}
			}
		}
		// What is heard may be heard before the system call returns that sent it.
		await(t, "packets sent", func() uint64 { return a.Counters().Sent }, 100)
		if c := a.Counters(); c.SendFailed != 0 || c.SendDropped != 0 {
			t.Errorf("%+v", c)
		}
		b.Leave(b.nics[0].NIC, group)
		a.say(group, 1000)
		next(t, heardA)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if len(heardB) > 0 {
			t.Error("who has left still hears")
		}
	}
}

// TestRefused: what is not ours, is forged, or too long is counted and goes no further,
// whether the system drops what it can for us or not.
func TestRefused(t *testing.T) {
	for _, filtered := range []bool{true, false} {
		group := ipmc.GroupOf("news", fmt.Sprint(t.Name(), filtered), ipmc.SiteLocal, false)
		d, heard := open(t, Config{Packet: 1300})
		d.unfiltered = !filtered
		if err := d.Join(d.nics[0].NIC, group); err != nil {
			t.Fatal(err)
		}
		// refused counts what was dropped by reason; the system gives none.
		refused := func(reason func(Counters) uint64) func() uint64 {
			return func() uint64 {
				if c := d.Counters(); !filtered {
					return reason(c)
				}
				return d.Counters().KernelDropped
			}
		}
		other, _ := open(t, Config{})
		other.AddTopic(topic, ipmc.KeyOf("news", "", []byte("guessed")))
		other.say(group, 1)
		await(t, "forged", func() uint64 { return d.Counters().Forged }, 1)
		elsewhere := protocol.TopicOf("another")
		other.AddTopic(elsewhere, ipmc.KeyOf("another", "", nil))
		other.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: elsewhere, Object: 16, Msg: message(1)})
		await(t, "of another topic", refused(func(c Counters) uint64 { return c.Foreign }), 1)
		conn, err := net.ListenPacket("udp4", ":0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		p := ipv4.NewPacketConn(conn)
		if err := p.SetMulticastInterface(&d.nics[0].ifi); err != nil {
			t.Fatal(err)
		}
		for _, b := range []string{"", "Q", "QLTm", "XLTm\x01 and more of that than a header has", strings.Repeat("x", 100)} {
			if _, err := conn.WriteTo([]byte(b), net.UDPAddrFromAddrPort(group)); err != nil {
				t.Fatal(err)
			}
		}
		await(t, "foreign", refused(func(c Counters) uint64 { return c.Foreign }), 6)
		other.AddTopic(topic, ipmc.KeyOf("news", "", nil))
		other.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: topic, Object: 16,
			Msg: &ipmc.Fragment{Stream: 1, Seq: 1, Chunk: make([]byte, 1400)}})
		want := uint64(1)
		if filtered {
			want = 7
		}
		await(t, "too long", refused(func(c Counters) uint64 { return c.Oversize }), want)
		other.say(group, 2) // after all these it is heard still
		next(t, heard)
		if len(heard) > 0 {
			t.Error("more is heard")
		}
	}
}

// TestFilterFollows: topics that are added and removed are heard and not, in one group,
// and with more of them than the system can tell apart.
func TestFilterFollows(t *testing.T) {
	group := ipmc.GroupOf("news", t.Name(), ipmc.SiteLocal, false)
	d, heard := open(t, Config{})
	if err := d.Join(d.nics[0].NIC, group); err != nil {
		t.Fatal(err)
	}
	other, _ := open(t, Config{})
	for n := range maxFiltered + 3 {
		name := fmt.Sprint("topic ", n)
		id := protocol.TopicOf(name)
		for _, o := range []*Driver{d, other} {
			o.AddTopic(id, ipmc.KeyOf(name, "", nil))
		}
		other.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: id, Object: 16, Msg: message(n + 1)})
		next(t, heard)
	}
	for n := range maxFiltered {
		d.RemoveTopic(protocol.TopicOf(fmt.Sprint("topic ", n)))
	}
	other.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: protocol.TopicOf("topic 5"), Object: 16, Msg: message(1)})
	await(t, "of a topic that was left", func() uint64 { return d.Counters().KernelDropped }, 1)
	other.Send(protocol.Multicast{NIC: d.nics[0].NIC, Group: group, Topic: protocol.TopicOf(fmt.Sprint("topic ", maxFiltered)), Object: 16, Msg: message(1)})
	next(t, heard)
}

// TestAllowed: nothing is joined or sent where that is not allowed, and no more groups
// than that.
func TestAllowed(t *testing.T) {
	d, _ := open(t, Config{MaxGroups: 2})
	lo := d.nics[0].NIC
	for i := range 3 {
		err := d.Join(lo, ipmc.GroupOf("news", string(rune('a'+i)), ipmc.SiteLocal, false))
		if want := i == 2; errors.Is(err, ErrTooManyGroups) != want {
			t.Errorf("group %d: %v", i, err)
		}
	}
	if err := d.Join(lo+1000, ipmc.GroupOf("news", "", ipmc.SiteLocal, false)); !errors.Is(err, ErrForbidden) {
		t.Errorf("another interface: %v", err)
	}
	d.Send(protocol.Multicast{NIC: lo + 1000, Group: ipmc.GroupOf("news", "", ipmc.SiteLocal, false), Topic: topic, Msg: message(1)})
	if c := d.Counters(); c.SendDropped != 1 || c.Sent != 0 {
		t.Errorf("%+v", c)
	}
	for _, cfg := range []Config{
		{Interfaces: []string{"lo"}, Forbidden: []string{"lo"}}, {Interfaces: []string{"none0"}},
	} {
		if _, err := Open(cfg, nil); !errors.Is(err, ErrNoInterface) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	for _, cfg := range []Config{{TTL: 256}, {Packet: 100}, {Packet: 100_000}, {MaxGroups: -1}} {
		cfg.Interfaces = []string{"lo"}
		if _, err := Open(cfg, nil); err == nil || strings.Contains(err.Error(), "%!") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestQueueIsBounded: whoever sends never waits, and what does not fit is dropped.
func TestQueueIsBounded(t *testing.T) {
	d, _ := open(t, Config{})
	s := &sender{d: d, nic: &d.nics[0]} // nobody writes what waits
	s.wake.L = &s.mu
	d.senders = append([]*sender{s}, d.senders...)
	group := ipmc.GroupOf("news", "", ipmc.SiteLocal, false)
	for i := range MaxQueue + 10 {
		d.say(group, i+1)
	}
	if c := d.Counters(); len(s.queue) != MaxQueue || c.SendDropped != 10 {
		t.Errorf("%d wait, %d were dropped", len(s.queue), c.SendDropped)
	}
}
