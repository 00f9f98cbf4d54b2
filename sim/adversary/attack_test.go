package adversary

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

func TestNamed(t *testing.T) {
	names := Names()
	if !slices.IsSorted(names) || len(names) != 11 {
		t.Errorf("names %v", names)
	}
	for _, name := range names {
		if a, err := Named(name); err != nil || a.Name != name || a.Doc == "" || a.Identities < 1 {
			t.Errorf("%s: got %+v, %v", name, a, err)
		}
	}
	_, err := Named("sybill")
	if err == nil || !strings.Contains(err.Error(), `"sybill"`) {
		t.Fatalf("got %v", err)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

// TestReactions: one story, told to an honest host and to every attacker. Where the
// table has nothing for an attacker it does what an honest host does.
func TestReactions(t *testing.T) {
	steps := []struct {
		name   string
		hear   func(r *rig) []protocol.Effect
		honest string
		others map[string]string
	}{
		{"alice brings an entry", func(r *rig) []protocol.Effect {
			return r.hear(alice, feedID, protocol.ObjectGossip, protocol.Carry{Item: entry(1)})
		}, "bob: item 1", map[string]string{
			"silent": "", "eclipse": "", "sybil": "", "freeride": "", "withhold": "bob: announces 1"}},
		{"bob grafts it", func(r *rig) []protocol.Effect {
			return r.hear(bob, feedID, protocol.ObjectGossip, gossip.Graft{Once: true, Items: []protocol.ItemID{entry(1).ID}})
		}, "bob: 1 stored items", map[string]string{
			"silent": "", "eclipse": "", "sybil": "", "withhold": "", "advertise": "", "freeride": "", "forge": "bob: item 1"}},
		{"bob pulls it", func(r *rig) []protocol.Effect {
			return r.hear(bob, feedID, protocol.ObjectRepair, antientropy.Pull{Token: 1, MaxBytes: 1000, Ranges: []antientropy.Range{{First: 1, Last: 1}}})
		}, "bob: promises [{1 1}]\nbob: stored items 1-1", map[string]string{
			"silent": "", "eclipse": "", "sybil": "", "withhold": "bob: promises [{1 1}]",
			"advertise": "bob: promises [{1 1}]", "freeride": "bob: promises [{1 1}]",
			"forge": "bob: promises [{1 1}]\nbob: item 1"}},
		{"bob shows that he has nothing", func(r *rig) []protocol.Effect {
			return r.hear(bob, feedID, protocol.ObjectRepair, antientropy.Digest{})
		}, "bob: digest to 1", map[string]string{"silent": "", "eclipse": "", "sybil": ""}},
		{"bob pings", func(r *rig) []protocol.Effect {
			return r.hear(bob, protocol.TopicID{}, protocol.ObjectHost, decoded(protocol.TopicID{}, protocol.ObjectHost, kindPing, []byte{7}))
		}, "bob: message 0.2", map[string]string{"liar": ""}},
		{"bob shuffles", func(r *rig) []protocol.Effect {
			return r.hear(bob, feedID, protocol.ObjectView, gossipmembership.Shuffle{Nonce: 2, Degree: 3, Records: []gossipmembership.Record{recordOf(bob)}})
		}, "bob: members [self]", map[string]string{"eclipse": "bob: members [self fellow]", "sybil": "bob: members [self fellow]"}},
		{"bob seeks members", func(r *rig) []protocol.Effect {
			body := append(binary.BigEndian.AppendUint64(nil, 9), 1, 0, 1)
			body = append(body, feedID[:]...)
			return r.hear(bob, protocol.TopicID{}, protocol.ObjectHost, decoded(protocol.TopicID{}, protocol.ObjectHost, kindFind, body))
		}, "bob: found [self]", nil},
	}
	for _, attack := range append([]string{""}, Names()...) {
		if attack == "drop" {
			continue // it rolls dice: TestDrop
		}
		t.Run("attack "+attack, func(t *testing.T) {
			r := newRig(t, attack)
			for _, step := range steps {
				want := step.honest
				if other, ok := step.others[attack]; ok {
					want = other
				}
				got := said(step.hear(r))
				if attack == "forge" {
					got, want = digitless(got), digitless(want) // the number may be invented
				}
				if got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", step.name, got, want)
				}
			}
		})
	}
}

// digitless drops numbers.
func digitless(s string) string {
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return -1
		}
		return c
	}, s)
}
