package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/node"
)

// Peers implements control.Daemon.
func (d *Daemon) Peers(context.Context) ([]control.PeerInfo, error) {
	st, err := d.n.Status()
	if err != nil {
		return nil, Explain(err)
	}
	list := []control.PeerInfo{}
	for _, p := range st.Peers {
		info := control.PeerInfo{ID: p.ID.String(), Address: p.Addr, Inbound: !p.Outbound, Transport: transport(p.Addr),
			Since: p.Since, RTTMillis: float64(p.RTT.Microseconds()) / 1000, Suspected: p.Suspected, Relayed: p.Relayed,
			BytesIn: p.BytesIn, BytesOut: p.BytesOut}
		for _, t := range p.Topics {
			info.Topics = append(info.Topics, d.localName(t))
		}
		list = append(list, info)
	}
	return list, nil
}

// transport names the transport of a multiaddr.
func transport(addr string) string {
	a, err := ma.NewMultiaddr(addr)
	if err == nil {
		if t := links.TransportOf(a); t != "" {
			return string(t)
		}
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err == nil {
			return "relay"
		}
	}
	return "unknown"
}

// Status implements control.Daemon.
func (d *Daemon) Status(ctx context.Context) (control.StatusInfo, error) {
	st, err := d.n.Status()
	if err != nil {
		return control.StatusInfo{}, Explain(err)
	}
	s := control.StatusInfo{ID: st.ID.String(), Version: d.version, Home: st.Home, PID: os.Getpid(),
		Started: d.started, UptimeS: st.Uptime.Seconds(), Addresses: st.Addrs, Known: st.Known,
		Topics: []control.TopicInfo{}, Refused: []control.Counter{}}
	for _, p := range st.Peers {
		if p.Outbound {
			s.Links.Outbound++
		} else {
			s.Links.Inbound++
		}
		if p.Suspected {
			s.Links.Suspected++
		}
	}
	for _, t := range st.Topics {
		s.Topics = append(s.Topics, d.topicInfo(t, st))
	}
	if s.Mirrors, err = d.Mirrors(ctx); err != nil {
		return s, err
	}
	s.Store = control.StoreInfo{Path: filepath.Join(st.Home, "store.db"), Items: st.Store.Items, Bytes: st.Store.FileBytes,
		Quota: uint64(st.StoreLimit), Full: st.StoreFull,
		LargeBytes: uint64(st.LargeBytes), LargeQuota: uint64(st.LargeLimit)}
	dropped := uint64(0)
	for _, n := range st.Traffic.Dropped {
		dropped += n
	}
	s.Traffic = control.Traffic{BytesIn: st.Traffic.BytesIn, BytesOut: st.Traffic.BytesOut,
		FramesIn: st.Traffic.FramesIn, FramesOut: st.Traffic.FramesOut, Dropped: dropped}
	s.Traversal = traversal(st)
	d.count(&s, st)
	return s, nil
}

// count sorts the counters into what was refused and the rest.
func (d *Daemon) count(s *control.StatusInfo, st node.Status) {
	for _, c := range st.Counters {
		if name, ok := strings.CutPrefix(c.Name, "refused."); ok {
			s.Refused = append(s.Refused, control.Counter{Name: name, Count: c.Count})
		} else if c.Name == "core.invalid" {
			s.Refused = append(s.Refused, control.Counter{Name: "invalid-item", Count: c.Count})
		} else {
			s.Counters = append(s.Counters, control.Counter{Name: c.Name, Count: c.Count})
		}
	}
	if n := st.Traffic.Malformed; n > 0 {
		s.Refused = append(s.Refused, control.Counter{Name: "malformed-frame", Count: n})
	}
}

// topicInfo joins what the core and the store know of a topic.
func (d *Daemon) topicInfo(t node.TopicStatus, st node.Status) control.TopicInfo {
	info := control.TopicInfo{Name: d.localName(t.Name), TopicName: t.Name, Kind: d.kind(t),
		Neighbours: t.Neighbours, Readers: t.Readers,
		Received: t.Stats.Received, Duplicates: t.Stats.Duplicates, Repaired: t.Stats.Repaired}
	for _, s := range st.Store.Topics {
		if s.Name == t.Name {
			info.Entries, info.Bytes = s.Items, s.Bytes
		}
	}
	if t.Owner != "" {
		if h, err := d.n.Held(t.Name); err == nil && len(h.Ranges) > 0 {
			info.Last = h.Ranges[len(h.Ranges)-1].Last
			info.Missing = info.Last - h.Ranges[0].First + 1
			for _, r := range h.Ranges {
				info.Missing -= r.Last - r.First + 1
			}
		}
	}
	return info
}

func (d *Daemon) kind(t node.TopicStatus) string {
	if t.Owner == "" {
		return control.KindOpen
	}
	for _, f := range d.n.Feeds() {
		if f.Own && f.Address == t.Name {
			return control.KindOwn
		}
	}
	return control.KindFollowed
}
