package node

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// TestRoleOf: the role follows from the best that is known of any way, and nothing
// follows from ways by which the host does not listen.
func TestRoleOf(t *testing.T) {
	on := listens{euid.IPv4: {euid.UDP: true, euid.TCP: true}}
	at := func(udp, tcp euid.Direction, m euid.Mapping) euid.EUID {
		e := euid.EUID{Mapping: m}
		e.Reach[euid.IPv4] = [euid.NumTransports]euid.Direction{euid.UDP: udp, euid.TCP: tcp}
		return e
	}
	const unknown, public, closed, punchable = euid.DirectionUnknown, euid.DirectionPublic, euid.DirectionUnreachable, euid.DirectionPunchable
	for _, c := range []struct {
		name  string
		euids []euid.EUID
		on    listens
		want  Role
	}{
		{"nothing known", nil, on, RoleUnknown},
		{"nobody has tried", []euid.EUID{at(unknown, unknown, euid.MappingUnknown)}, on, RoleUnknown},
		{"public by TCP", []euid.EUID{at(closed, public, euid.MappingNone)}, on, RolePublic},
		{"public by a mapped port of a NAT", []euid.EUID{at(public, unknown, euid.MappingIndependent)}, on, RolePublic},
		{"public by another interface", []euid.EUID{at(closed, closed, euid.MappingDependent), at(public, public, euid.MappingNone)}, on, RolePublic},
		{"a NAT, nobody has tried", []euid.EUID{at(unknown, unknown, euid.MappingIndependent)}, on, RoleLeaf},
		{"a firewall", []euid.EUID{at(punchable, unknown, euid.MappingNone)}, on, RoleLeaf},
		{"closed where it does not listen", []euid.EUID{at(unknown, closed, euid.MappingNone)}, listens{euid.IPv4: {euid.UDP: true}}, RoleUnknown},
	} {
		if got := roleOf(c.euids, c.on); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestHidesPorts: one NAT whose ports can be foretold is enough to be punched by.
func TestHidesPorts(t *testing.T) {
	const unknown, none, same, other = euid.MappingUnknown, euid.MappingNone, euid.MappingIndependent, euid.MappingDependent
	for _, c := range []struct {
		mappings []euid.Mapping
		want     bool
	}{
		{nil, false},
		{[]euid.Mapping{unknown}, false},
		{[]euid.Mapping{none}, false},
		{[]euid.Mapping{other}, true},
		{[]euid.Mapping{unknown, other}, true},
		{[]euid.Mapping{other, same}, false},
	} {
		var euids []euid.EUID
		for _, m := range c.mappings {
			euids = append(euids, euid.EUID{Mapping: m})
		}
		if got := hidesPorts(euids); got != c.want {
			t.Errorf("%v: %v, want %v", c.mappings, got, c.want)
		}
	}
}

func TestListening(t *testing.T) {
	var addrs []ma.Multiaddr
	for _, text := range []string{"/ip4/0.0.0.0/udp/1/quic-v1", "/ip6/::/tcp/2", "/p2p-circuit", "/dns4/a/udp/1/quic-v1"} {
		addrs = append(addrs, ma.StringCast(text))
	}
	want := listens{euid.IPv4: {euid.UDP: true}, euid.IPv6: {euid.TCP: true}}
	if got := listening(addrs); got != want {
		t.Errorf("listens on %v, want %v", got, want)
	}
}

// TestRelayOptions: what makes no sense is refused before anything is started.
func TestRelayOptions(t *testing.T) {
	if _, err := newConfig([]Option{WithRelay(RelayLimits{})}); err == nil {
		t.Error("relaying without traversal accepted")
	}
	if _, err := newConfig([]Option{WithTraversal(true), WithRelay(RelayLimits{Bytes: 1})}); err == nil {
		t.Error("a relay of 1 byte accepted")
	}
	if _, err := newConfig([]Option{WithTraversal(true), WithRelay(RelayLimits{})}); err != nil {
		t.Error(err)
	}
}
