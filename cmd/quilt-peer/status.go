package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

func (a *app) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show how the peer does, on one screen",
		Description: `MISSING counts entries that are known to exist but are not here yet. COPIES
counts how often entries arrived, DUP those that were here already, REPAIRED
those that came by comparing with a neighbour instead of by themselves.
Under "refused" is input that was no good, by reason: none of it was passed on.`,
		Action: a.quick(0, 0, a.status),
	}
}

func (a *app) status(ctx context.Context, cmd *cli.Command, c daemon) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printJSON(s)
	}
	p := a.text()
	p.f("quilt-peer %s, up %s\n\n", s.Version, ago(time.Duration(s.UptimeS*float64(time.Second))))
	p.f("  id       %s\n", s.ID)
	p.f("  home     %s (process %d)\n", s.Home, s.PID)
	for i, addr := range s.Addresses {
		p.f("  %-8s %s\n", label(i, "listens"), addr)
	}
	p.f("  links    %d (%d out, %d in%s); %s known\n", s.Links.Outbound+s.Links.Inbound, s.Links.Outbound, s.Links.Inbound,
		yes(s.Links.Suspected > 0, fmt.Sprintf(", %d suspected", s.Links.Suspected)), count(s.Known, "peer", "peers"))
	p.f("  traffic  %s in, %s out, %s dropped\n", size(s.Traffic.BytesIn), size(s.Traffic.BytesOut), count(s.Traffic.Dropped, "frame", "frames"))
	p.traversal(&s.Traversal)
	p.f("  store    %s in %s%s%s\n", count(s.Store.Items, "entry", "entries"), size(s.Store.Bytes),
		yes(s.Store.Quota > 0, " of "+size(s.Store.Quota)), yes(s.Store.Full, ": FULL, nothing more is stored"))
	if len(s.Topics) > 0 {
		p.f("\n")
		p.table(topicRows(s.Topics))
	}
	if len(s.Mirrors) > 0 {
		p.f("\n")
		p.table(mirrorRows(s.Mirrors))
	}
	if len(s.Refused) > 0 {
		p.f("\nrefused\n")
		for _, r := range s.Refused {
			p.f("  %-8d %s\n", r.Count, clean(r.Name))
		}
	}
	return p.err
}

func topicRows(topics []control.TopicInfo) [][]string {
	rows := [][]string{{"TOPIC", "KIND", "ENTRIES", "MISSING", "SIZE", "PEERS", "READERS", "COPIES", "DUP", "REPAIRED"}}
	for _, t := range topics {
		rows = append(rows, []string{clean(t.Name), t.Kind, num(t.Entries), num(t.Missing), size(t.Bytes),
			num(t.Neighbours), num(t.Readers), num(t.Received), num(t.Duplicates), num(t.Repaired)})
	}
	return rows
}

func (a *app) peersCommand() *cli.Command {
	return &cli.Command{
		Name:   "peers",
		Usage:  "list the peers that this one is linked with",
		Action: a.quick(0, 0, a.peers),
	}
}

func (a *app) peers(ctx context.Context, cmd *cli.Command, c daemon) error {
	peers, err := c.Peers(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printEach(len(peers), func(i int) any { return peers[i] })
	}
	p := a.text()
	if len(peers) == 0 {
		p.f("no peers: pass \"quilt-peer ticket\" to others, or add a ticket of theirs with \"quilt-peer ticket add TICKET\"\n")
		return p.err
	}
	rows := [][]string{{"PEER", "LINK", "RTT", "SINCE", "IN", "OUT", "TOPICS", "ADDRESS", ""}}
	for _, q := range peers {
		link := "out"
		if q.Inbound {
			link = "in"
		}
		rows = append(rows, []string{q.ID, link + " " + clean(q.Transport), fmt.Sprintf("%.1f ms", q.RTTMillis),
			when(q.Since), size(q.BytesIn), size(q.BytesOut), cmp.Or(clean(strings.Join(q.Topics, ",")), "-"),
			clean(q.Address), yes(q.Relayed, "relayed ") + yes(q.Suspected, "suspected")})
	}
	p.table(rows)
	return p.err
}

func (a *app) stopCommand() *cli.Command {
	return &cli.Command{
		Name:  "stop",
		Usage: "stop the running peer in good order",
		Action: a.quick(0, 0, func(ctx context.Context, _ *cli.Command, c daemon) error {
			return c.Stop(ctx)
		}),
	}
}
