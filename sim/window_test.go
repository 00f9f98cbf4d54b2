package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// sideBySide runs things on goroutines of their own.
func sideBySide(do []func()) {
	var all sync.WaitGroup
	for _, f := range do {
		all.Go(f)
	}
	all.Wait()
}

// story is a run with everything that windows have to cope with: punches, a cut, deaths,
// items; and what was told of it.
func story(t *testing.T, spec string, cfg Config) (trace string, told []string, windows int) {
	t.Helper()
	topo, err := topology.Named(spec, rand.New(rand.NewPCG(3, 0)))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Seed, cfg.Topology, cfg.Processing = 3, topo, 200*time.Microsecond
	var net *Network
	cfg.Delivered = func(h *Host, it *protocol.Item) {
		told = append(told, fmt.Sprint(net.Now(), h.index, " gets ", it.Seq))
	}
	cfg.Copied = func(from, h *Host, it *protocol.Item) {
		told = append(told, fmt.Sprint(net.Now(), from.index, h.index, " copy of ", it.Seq))
	}
	if beside := cfg.Beside; beside != nil {
		cfg.Beside = func(do []func()) { windows++; beside(do) }
	}
	net = New(cfg)
	author := slices.IndexFunc(topo.Hosts, func(h topology.Host) bool { return h.NAT == topology.NATNone })
	for i := range topo.Hosts {
		h := net.Add()
		h.Join("news", peerID(int32(author)))
		if i > author {
			h.Contact(net.Hosts()[author])
		}
		net.Run(time.Duration(i) * 10 * time.Millisecond)
	}
	for i := range author {
		net.Hosts()[i].Contact(net.Hosts()[author])
	}
	from := time.Duration(net.Now())
	for i := range 40 {
		net.Run(from + 5*time.Second + time.Duration(i)*100*time.Millisecond)
		net.Hosts()[author].Publish("news", make([]byte, 500))
		switch i {
		case 10:
			net.Partition(func(a, b int) bool { return (a < 50) != (b < 50) })
		case 20:
			net.Partition(nil)
		case 30:
			for k := author + 1; k < len(net.hosts); k += 3 {
				net.Hosts()[k].Kill()
			}
		}
	}
	net.Run(from + 20*time.Second)
	return net.Trace(), told, windows
}

// TestSideBySide: several processors come to what one comes to, event by event.
func TestSideBySide(t *testing.T) {
	for _, spec := range []string{"king:150", "lognormal:150"} {
		trace, told, _ := story(t, spec, Config{})
		if len(told) < 150*20 {
			t.Fatalf("%s: only %d copies and deliveries: the story is empty", spec, len(told))
		}
		for lanes := range 5 {
			trace2, told2, windows := story(t, spec, Config{Lanes: lanes, Beside: sideBySide})
			if (windows > 0) != (lanes > 1) {
				t.Errorf("%s: %d windows on %d lanes", spec, windows, lanes)
			}
			if trace2 != trace {
				t.Errorf("%s: trace %s on %d lanes, %s one after another", spec, trace2, lanes, trace)
			}
			if !slices.Equal(told2, told) {
				t.Errorf("%s: something else is told on %d lanes", spec, lanes)
			}
		}
	}
}

// TestOneAfterAnother: where hosts have something in common no window is opened.
func TestOneAfterAnother(t *testing.T) {
	for name, cfg := range map[string]Config{
		"loss":   {Loss: 0.1},
		"jitter": {Jitter: 0.1},
		"lose":   {Lose: func(protocol.ObjectID) bool { return false }},
		"watch":  {Watch: func(*Host, protocol.Effect) {}},
		"after":  {After: func(*Host) {}},
	} {
		cfg.Lanes, cfg.Beside = 2, sideBySide
		if _, _, windows := story(t, "king:60", cfg); windows > 0 {
			t.Errorf("%s: %d windows", name, windows)
		}
	}
	if _, _, windows := story(t, "lan:60", Config{Lanes: 2, Beside: sideBySide}); windows > 0 {
		t.Errorf("multicast: %d windows", windows)
	}
	net := New(Config{Topology: world(t, 2), Lanes: 2, Beside: sideBySide})
	net.AddAt(0, nil)
	net.AddAt(1, nil)
	if net.beside() == 0 {
		t.Error("no windows with hosts at different places")
	}
	net.AddAt(1, nil)
	if net.beside() > 0 {
		t.Error("windows although two hosts are at one place")
	}
}

// TestTooSoon: a host that would be heard of before the least latency ends the run, with
// what it was.
func TestTooSoon(t *testing.T) {
	net := New(Config{Seed: 5, Lanes: 2, Beside: sideBySide})
	a, b := net.Add(), net.Add()
	a.schedule(time.Second, event{host: a.index, kind: evInput, input: protocol.Drained{Peer: b.id}})
	net.least = 2 * net.cfg.Latency // not true
	a.schedule(0, event{host: b.index, kind: evDialled, from: a.index})
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "seed 5") || !strings.Contains(p, "least latency") {
			t.Errorf("panic: %s", p)
		}
	}()
	net.Run(10 * time.Second)
	t.Error("nothing was said")
}
