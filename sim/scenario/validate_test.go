package scenario

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Every error names the flag, the value, and what would do.
func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		edit func(*Scenario)
		want string
	}{
		{func(s *Scenario) { s.Topology = "" }, "--topology: on which network? Choose grid5000, lognormal:N, king:N or a directory"},
		{func(s *Scenario) { s.Topology = "grid500" }, "--topology grid500: unknown topology \"grid500\": choose grid5000"},
		{func(s *Scenario) { s.Topology = "king" }, "--topology king: topology \"king\": how many hosts?"},
		{func(s *Scenario) { s.Protocol = "gosip" }, "--protocol gosip: there is no such protocol; choose gossip or flood"},
		{func(s *Scenario) { s.Publishers = []string{"h7", ""} }, "--publisher: a name is empty"},
		{func(s *Scenario) { s.Publishers = []string{"h7", "h8", "h7"} }, "--publisher h7: named twice; once is enough"},
		{func(s *Scenario) { s.Publishers = []string{"hh7"} }, "--publisher hh7: topology king:20 has no host of that name; did you mean h07?"},
		{func(s *Scenario) { s.Draw = -1 }, "--publishers -1: a number from 1 to 1000 is possible"},
		{func(s *Scenario) { s.Draw = 21 }, "--publishers 21: topology king:20 has 20 hosts"},
		{func(s *Scenario) { s.Draw = MaxPublishers + 1 }, "--publishers 1001: a number from 1 to 1000 is possible"},
		{func(s *Scenario) { s.K = MaxK + 1 }, "--k 101: a number from 0 to 100 is possible"},
		{func(s *Scenario) { s.Rate = -1 }, "--rate -1: items a second are above 0 and at most 10000"},
		{func(s *Scenario) { s.Rate = math.NaN() }, "--rate NaN: items a second"},
		{func(s *Scenario) { s.Rate = MaxRate + 1 }, "--rate 10001: items a second"},
		{func(s *Scenario) { s.Rate = 1e-3; s.Items = 1000 }, "--items 1000 at --rate 0.001: that takes"},
		{func(s *Scenario) { s.Items = -5 }, "--items -5: a number from 1 to 100000 is possible"},
		{func(s *Scenario) { s.Items = MaxItems + 1 }, "--items 100001: a number"},
		{func(s *Scenario) { s.Topology = "king:20000"; s.Items = MaxItems }, "--items 100000: with 20000 hosts there are more than"},
		{func(s *Scenario) { s.Size = MaxSize + 1 }, "--size 1073741825: a number from 1 to 1073741824 is possible"},
		{func(s *Scenario) { s.Warmup = time.Millisecond }, "--warmup 1ms: a duration from 1s to 24h0m0s is possible"},
		{func(s *Scenario) { s.Drain = -time.Second }, "--drain -1s: a duration from 0s to 24h0m0s is possible"},
		{func(s *Scenario) { s.Processing = 25 * time.Hour }, "--processing 25h0m0s: a duration"},
		{func(s *Scenario) { s.Churn = time.Millisecond }, "--churn 1ms: a mean lifetime of at least 1s is possible"},
		{func(s *Scenario) { s.PartitionFor = MaxSpan + 1 }, "--partition-for 24h0m0.000000001s: a duration"},
		{func(s *Scenario) { s.Kill = 1.5 }, "--kill 1.5: a share from 0 to 1 is possible"},
		{func(s *Scenario) { s.Kill = math.NaN() }, "--kill NaN: a share from 0 to 1 is possible"},
		{func(s *Scenario) { s.Loss = -0.1 }, "--loss -0.1: a share from 0 to 1 is possible"},
		{func(s *Scenario) { s.Jitter = 2 }, "--jitter 2: a share from 0 to 1 is possible"},
		{func(s *Scenario) { s.Partition = 1.01 }, "--partition 1.01: a share"},
		{func(s *Scenario) { s.Late = math.Inf(1) }, "--late +Inf: a share"},
		{func(s *Scenario) { s.Adversaries = -1 }, "--adversaries -1: a share"},
		{func(s *Scenario) { s.Adversaries = 0.1 }, "--adversaries 0.1: what do they do? Name it by --attack"},
		{func(s *Scenario) { s.Adversaries, s.Attack = 0.1, "nonsense" }, "--attack nonsense: unknown attack"},
		{func(s *Scenario) { s.KillPublishers = -1 }, "--kill-publishers -1: it is not below 0"},
		{func(s *Scenario) { s.KillPublishers = 1 }, "--kill-publishers 1: of 1 publishers; somebody must go on, so take more --publishers"},
		{func(s *Scenario) { s.KillPublishers, s.Publishers = 2, []string{"h07", "h08"} }, "--kill-publishers 2: of 2 publishers"},
		{func(s *Scenario) { s.Split, s.Partition = true, 0.5 }, "--split: there is 1 publisher, who cannot be in both parts; take more --publishers"},
		{func(s *Scenario) { s.Split, s.Draw = true, 2 }, "--split: of what? Give the share that is cut off by --partition"},
		{func(s *Scenario) { s.Split, s.Draw, s.Partition = true, 6, 0.1 }, "--split: with --partition 0.1 of 20 hosts there is no room for half of 6 publishers in both parts"},
		{func(s *Scenario) { s.Split, s.Draw, s.Partition = true, 6, 0.9 }, "--split: with --partition 0.9 of 20 hosts there is no room"},
		{func(s *Scenario) { s.KillMode = "loud" }, "--kill-mode loud: silent or reset is possible"},
	} {
		s := Scenario{Topology: "king:20", Items: 1, Warmup: time.Second}
		c.edit(&s)
		_, _, err := Run(context.Background(), s, Options{Plugins: []protocol.Plugin{{Name: "flood"}}})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", s, err, c.want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{TraceItem: 2, Trace: &strings.Builder{}}, "--trace item 2: items are 1 to 1"},
		{Options{TraceItem: 1, TracePeer: "h03", Trace: &strings.Builder{}}, "--trace: of a peer or of an item; choose one"},
		{Options{TraceItem: 1}, "--trace: there is nowhere to write it to"},
		{Options{TracePeer: "h3", Trace: &strings.Builder{}}, "--trace h3: topology king:20 has no host of that name; did you mean h03?"},
	} {
		_, _, err := Run(context.Background(), Scenario{Topology: "king:20", Items: 1}, c.o)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.o, err, c.want)
		}
	}
}

// A topology that has no built-in name is looked for in a directory.
func TestDirectory(t *testing.T) {
	hosts := "host,location,cluster,addr,dns,routers,nat,ipmc,up_mbps,down_mbps\n"
	for _, row := range []string{"a,0,x,192.0.2.1", "b,1,y,192.0.2.2", "c,1,y,192.0.2.3"} {
		hosts += row + ",,,NAT,,100,100\n"
	}
	files := func(nat string) fstest.MapFS {
		return fstest.MapFS{
			"mine/topology.json": {Data: []byte(`{"name":"three","hosts":"hosts.csv","rtt_ms":"rtt.csv","same_cluster_rtt_ms":0.1,"same_location_rtt_ms":1}`)},
			"mine/hosts.csv":     {Data: []byte(strings.ReplaceAll(hosts, "NAT", nat))},
			"mine/rtt.csv":       {Data: []byte("0,40\n40,0\n")},
		}
	}
	s := Scenario{Topology: "mine", Publishers: []string{"b"}, Items: 3}
	res, _, err := Run(context.Background(), s, Options{Files: files("none"), Dir: "mine", Check: true})
	if err != nil || res.Topology != "three" || res.Hosts != 3 || res.DeliveryRatio != 1 || res.Publishers[0] != "b" {
		t.Fatalf("%+v, %v", res, err)
	}
	// Half of 40 ms, a frame of more than 1 kB at 100 Mbit/s, and 0.2 ms.
	if u := res.Unicast.Max; u < 20.2+0.08 || u > 20.2+0.1 {
		t.Errorf("a direct send takes %v ms", u)
	}
	_, _, err = Run(context.Background(), s, Options{Files: files("cone"), Dir: "mine"})
	if err == nil || !strings.Contains(err.Error(), "--topology mine: no honest host that joins in the warm-up can be reached") {
		t.Errorf("nobody can join, but: %v", err)
	}
	_, _, err = Run(context.Background(), s, Options{Files: files("nine"), Dir: "mine"})
	if err == nil || !strings.Contains(err.Error(), "--topology mine: mine/hosts.csv:2") {
		t.Errorf("a bad file: %v", err)
	}
}
