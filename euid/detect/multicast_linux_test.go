package detect

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// switchOf builds a LAN of this host and another behind a bridge that is in a third
// namespace. It returns the other and the bridge.
func switchOf(t *testing.T) (other, bridge *helper) {
	other, bridge = helperIn(t, true, "hold"), helperIn(t, true, "hold")
	in(t, bridge.pid, plainIP6+`
		ip link add br0 type bridge mcast_snooping 0
		ip link set br0 up`)
	for k, pid := range []int{0, other.pid} {
		in(t, pid, plainIP6+fmt.Sprintf(`
			ip link add lan0 type veth peer name p%d netns %d
			ip addr add 10.77.0.%d/24 dev lan0
			ip link set lan0 up`, k, bridge.pid, k+1))
		in(t, bridge.pid, fmt.Sprintf(`
			ip link set p%d master br0
			ip link set p%d up`, k, k))
	}
	await(t, "a carrier", func() bool { i := onLink(t, "lan0"); return i.Running && i.hasLinkLocal() })
	return other, bridge
}

// beaconsHere listens in this process, until the test ends.
func beaconsHere(t *testing.T, name string) <-chan multicastNews {
	news := make(chan multicastNews, 1024)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	i := onLink(t, name)
	go func() {
		defer close(done)
		listen(ctx, kernel{}, i, 1, 1, func(m multicastNews) { news <- m })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return news
}

// TestKernelMulticast: two hosts on a LAN hear each other.
func TestKernelMulticast(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	other, _ := switchOf(t)
	meet(t, other)
}

// TestKernelMulticastIPv6: two hosts that have no IPv4 do too.
func TestKernelMulticastIPv6(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	other, _ := switchOf(t)
	for _, pid := range []int{0, other.pid} {
		in(t, pid, "ip -4 addr flush dev lan0")
	}
	meet(t, other)
}

// meet waits until this host and another hear each other, and agree on a name.
func meet(t *testing.T, other *helper) {
	here, there := beaconsHere(t, "lan0"), helperAt(t, other, "beacon lan0")
	theirs := there.hear(func(n heardNews) bool { return n.Heard })
	for m := range here {
		if m.heard {
			t.Logf("here %+v, there %+v", m, theirs)
			if m.name.String() != theirs.Name {
				theirs = there.hear(func(n heardNews) bool { return n.Name == m.name.String() })
			}
			break
		}
	}
}

// TestKernelMulticastOneWay: the switch passes no multicast to this host. The other
// hears it, and knows that it is not heard.
func TestKernelMulticastOneWay(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	other, bridge := switchOf(t)
	in(t, bridge.pid, "bridge link set dev p0 mcast_flood off")
	here, there := beaconsHere(t, "lan0"), helperAt(t, other, "beacon lan0")
	there.hear(func(n heardNews) bool { return n.Members == 1 && !n.Heard })
	time.Sleep(3 * time.Second) // it has answered by now, if only in vain
	for len(here) > 0 {
		if m := <-here; m.members > 0 {
			t.Fatalf("heard through a switch that passes nothing: %+v", m)
		}
	}
	in(t, bridge.pid, "bridge link set dev p0 mcast_flood on")
	there.hear(func(n heardNews) bool { return n.Heard }) // so it was that
}

// TestKernelMulticastOneHost: two processes of one host share the port and hear each
// other, and foreign packets do no harm.
func TestKernelMulticastOneHost(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	in(t, 0, plainIP6+`
		ip link add lan0 type veth peer name far0
		ip addr add 10.77.0.1/24 dev lan0
		ip link set far0 up
		ip link set lan0 up`)
	here, there := beaconsHere(t, "lan0"), helperIn(t, false, "beacon lan0")
	c, err := net.Dial("udp4", fmt.Sprintf("10.77.0.1:%d", beaconPort))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range []string{"", "x", "M-SEARCH * HTTP/1.1", beaconMagic, strings.Repeat("y", 2000)} {
		if _, err := c.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	there.hear(func(n heardNews) bool { return n.Heard })
	for m := range here {
		if m.members > 1 {
			t.Fatalf("one other process is %+v", m)
		}
		if m.heard {
			break
		}
	}
}

// TestKernelNoMulticast: an interface that cannot do it says so.
func TestKernelNoMulticast(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	in(t, 0, `
		ip link add lan0 type veth peer name far0
		ip addr add 10.77.0.1/24 dev lan0
		ip link set lan0 up multicast off`)
	m := <-beaconsHere(t, "lan0")
	if m.heard || m.why == "" {
		t.Errorf("%+v", m)
	}
	t.Log(m.why)
}
