package daemon

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// TestEnvironmentInfo: all that is published is shown, and nothing that is hidden is
// among it.
func TestEnvironmentInfo(t *testing.T) {
	o := euid.Observation{Private: []netip.Addr{netip.MustParseAddr("192.168.1.7")}, Resolver: "192.168.1.1",
		Public: [euid.NumFamilies]netip.Addr{euid.IPv4: netip.MustParseAddr("22.0.0.1")}, Mapping: euid.MappingIndependent,
		Hops: []string{"192.168.1.1", "", "22.1.0.1"}, Segment: "0123", Heard: true}
	var n node.NICInfo
	n.Interface.Name, n.Observation, n.Published = "lan0", o, o.EUID(euid.NetworkKey(""), euid.EUID{})
	n.Evidence = []detect.Evidence{{Of: "hops", Found: "192.168.1.1 * 22.1.0.1", By: "UDP"}}
	info := environmentInfo(node.Environment{NICs: []node.NICInfo{n, {}}, Notes: []string{"a note"},
		Skipped: []detect.Skipped{{Name: "lo", Why: "loopback"}}})
	if len(info.NICs) != 2 || len(info.NICs[1].Published) != 0 || len(info.Skipped) != 1 || len(info.Notes) != 1 {
		t.Fatalf("%+v", info)
	}
	lan := info.NICs[0]
	if len(lan.Encoded) == 0 || len(lan.Detected) != 1 || len(lan.Published) != 15 {
		t.Errorf("%+v", lan)
	}
	for _, p := range lan.Published {
		for _, h := range lan.Hidden {
			if strings.Contains(p.Value, h.Value) {
				t.Errorf("published %+v has hidden %+v in it", p, h)
			}
		}
	}
	want := []control.Property{{Name: "address", Value: "192.168.1.7"}, {Name: "public ipv4", Value: "22.0.0.1"}, {Name: "resolver", Value: "192.168.1.1"},
		{Name: "router", Value: "192.168.1.1"}, {Name: "router", Value: "22.1.0.1"}, {Name: "segment", Value: "0123"}}
	if len(lan.Hidden) != len(want) {
		t.Fatalf("hidden %+v", lan.Hidden)
	}
	for k := range want {
		if lan.Hidden[k] != want[k] {
			t.Errorf("hidden %+v, want %+v", lan.Hidden[k], want[k])
		}
	}
}
