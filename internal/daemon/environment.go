package daemon

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// Environment implements control.Daemon.
func (d *Daemon) Environment(context.Context) (control.EnvironmentInfo, error) {
	return environmentInfo(d.n.Environment()), nil
}

func environmentInfo(e node.Environment) control.EnvironmentInfo {
	info := control.EnvironmentInfo{Role: e.Role.String(), NICs: []control.NICInfo{}, Notes: e.Notes}
	for _, s := range e.Skipped {
		info.Skipped = append(info.Skipped, control.SkippedInfo(s))
	}
	for _, n := range e.NICs {
		nic := control.NICInfo{Name: n.Interface.Name, Hidden: hidden(&n.Observation)}
		for _, v := range n.Evidence {
			nic.Detected = append(nic.Detected, control.EvidenceInfo(v))
		}
		if n.Published != (euid.EUID{}) {
			nic.Published = published(&n.Published)
			nic.Encoded = hex.EncodeToString(n.Published.Append(nil))
		}
		info.NICs = append(info.NICs, nic)
	}
	return info
}

// published is an EUID for people: all of it, so that nobody need wonder what else
// there is.
func published(e *euid.EUID) (list []control.Property) {
	add := func(name, value string) { list = append(list, control.Property{Name: name, Value: value}) }
	for f, family := range []string{"4", "6"} {
		add("reach udp"+family, e.Reach[f][euid.UDP].String())
		add("reach tcp"+family, e.Reach[f][euid.TCP].String())
	}
	add("mapping", e.Mapping.String())
	add("filtering", e.Filtering.String())
	add("resolver", e.Resolver.String())
	var hops []string
	for _, h := range e.Hops {
		hops = append(hops, h.String())
	}
	add("hops", strings.Join(hops, " "))
	add("segment", e.Segment.String())
	add("network ipv4", e.Prefix[euid.IPv4].String())
	add("network ipv6", e.Prefix[euid.IPv6].String())
	add("rtt ms", e.RTT.String())
	add("up Mbit/s", e.Up.String())
	add("down Mbit/s", e.Down.String())
	add("loss per 1000", e.Loss.String())
	return list
}

// hidden is what an EUID is made of and does not say.
func hidden(o *euid.Observation) (list []control.Property) {
	add := func(name string, values ...string) {
		if text := strings.TrimSpace(strings.Join(values, " ")); text != "" {
			list = append(list, control.Property{Name: name, Value: text})
		}
	}
	for _, a := range o.Private {
		add("address", a.String())
	}
	for f, name := range []string{"public ipv4", "public ipv6"} {
		if o.Public[f].IsValid() {
			add(name, o.Public[f].String())
		}
	}
	add("resolver", o.Resolver)
	for _, h := range o.Hops {
		add("router", h)
	}
	add("segment", o.Segment)
	return list
}
