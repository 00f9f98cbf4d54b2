package topology

import (
	"bytes"
	"embed"
	"encoding/csv"
	"io/fs"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed testdata
var testdata embed.FS

// renderHosts renders hosts as a table again.
func renderHosts(t *testing.T, hosts []Host) string {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	rows := [][]string{columns}
	for _, h := range hosts {
		rows = append(rows, []string{h.Name, strconv.Itoa(h.Location), h.Cluster, h.Addr.String(), h.Resolver,
			strings.Join(h.Hops, ";"), h.NAT.String(), h.Multicast, number(h.Up), number(h.Down)})
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// renderMatrix renders the round trips between the first hosts at each location.
func renderMatrix(top *Topology, first []int) string {
	var b strings.Builder
	for _, i := range first {
		for k, j := range first {
			if k > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatFloat(top.RTT(i, j).Seconds()*1e3, 'f', -1, 64))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestLoadRoundTrip(t *testing.T) {
	for _, dir := range []string{"testdata/small", "testdata/compressed"} {
		t.Run(dir, func(t *testing.T) {
			top, err := Load(testdata, dir)
			if err != nil {
				t.Fatal(err)
			}
			want := func(name string) string {
				data, err := fs.ReadFile(testdata, "testdata/small/"+name)
				if err != nil {
					t.Fatal(err)
				}
				return string(data)
			}
			if got := renderHosts(t, top.Hosts); got != want("hosts.csv") {
				t.Errorf("hosts:\n%s", got)
			}
			if got := renderMatrix(top, []int{0, 3, 4}); got != want("rtt_ms.csv") {
				t.Errorf("matrix:\n%s", got)
			}
			if top.Name != "small" || top.Locations() != 3 {
				t.Errorf("name %q, %d locations", top.Name, top.Locations())
			}
			if err := top.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRTT(t *testing.T) {
	top, err := Load(testdata, "testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		a, b int
		want time.Duration
	}{
		{0, 0, 0},
		{0, 1, 200 * time.Microsecond},   // one cluster
		{0, 2, time.Millisecond},         // one location
		{2, 3, 12500 * time.Microsecond}, // one cluster, two locations: the matrix speaks
		{3, 4, 90125 * time.Microsecond}, // float32 has not shifted it
		{4, 2, 100 * time.Millisecond},   // back
		{2, 1, time.Millisecond},
	} {
		if got := top.RTT(tt.a, tt.b); got != tt.want {
			t.Errorf("RTT(%d, %d) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestLoadOfColumnsInAnyOrderAndUnnamedLocations(t *testing.T) {
	fsys := small(map[string]string{
		"topology.json": `{"rtt_ms":"rtt_ms.csv","hosts":"hosts.csv","same_location_rtt_ms":0,"same_cluster_rtt_ms":0,"name":"x"}`,
		"hosts.csv":     "down_mbps,up_mbps,ipmc,nat,routers,dns,addr,cluster,location,host\n2,1,m,cone,r,d,::ffff:1.2.3.4,c,1,h\n",
		"rtt_ms.csv":    " 0 ,5.04\r\n\n5,0",
	})
	top, err := Load(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	want := "host,location,cluster,addr,dns,routers,nat,ipmc,up_mbps,down_mbps\nh,1,c,1.2.3.4,d,r,cone,m,1,2\n"
	if got := renderHosts(t, top.Hosts); got != want {
		t.Errorf("hosts:\n%s", got)
	}
	if got := top.Locations(); got != 1 {
		t.Errorf("hosts at %d locations, want 1", got)
	}
	if got := *top.space.(*located).ms.at(0, 1); got != 5.02 {
		t.Errorf("between rounded directions: %v, want their mean", got)
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*Topology){
		"no name":                   func(x *Topology) { x.Name = "" },
		"has 0 hosts":               func(x *Topology) { x.Hosts = nil },
		"but round trips of 5":      func(x *Topology) { x.Hosts = x.Hosts[:4] },
		"two hosts of the name b":   func(x *Topology) { x.Hosts[0].Name = "b" },
		"no name or no cluster":     func(x *Topology) { x.Hosts[0].Cluster = "" },
		"unknown NAT 4":             func(x *Topology) { x.Hosts[0].NAT = 4 },
		"not an IP address":         func(x *Topology) { x.Hosts[0].Addr = netip.Addr{} },
		"bandwidth NaN":             func(x *Topology) { x.Hosts[0].Up = math.NaN() },
		"17 hops, more than 16":     func(x *Topology) { x.Hosts[0].Hops = make([]string, MaxHops+1) },
		"256 bytes long, more than": func(x *Topology) { x.Hosts[0].Resolver = strings.Repeat("x", MaxText+1) },
	} {
		top, err := Load(testdata, "testdata/small")
		if err != nil {
			t.Fatal(err)
		}
		spoil(top)
		if err := top.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
