package main

import (
	"cmp"
	"context"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

func (a *app) euidCommand() *cli.Command {
	return &cli.Command{
		Name:  "euid",
		Usage: "show where the peer is: what was detected, and what of it others see",
		Description: `For each network interface: what was found out and by which means, or why it
was not; what is published of it to all other peers; and what stays here.

Published are tags of 12 bits of the resolver, the first routers, the multicast
segment and the provider's network, so that peers that are near each other find
that out, and measurements made coarse. Routers and resolvers themselves locate
a person and are not published. The peer's record has its addresses beside this:
others must know where to call.`,
		Action: a.quick(0, 0, a.euid),
	}
}

func (a *app) euid(ctx context.Context, cmd *cli.Command, c daemon) error {
	e, err := c.Environment(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printJSON(e)
	}
	p := a.text()
	if text := roleText[e.Role]; text != "" {
		p.f("role  %s\n\n", text)
	}
	for _, n := range e.NICs {
		p.f("%s\n\n", clean(n.Name))
		rows := [][]string{{"  DETECTED", "", "BY", "WHEN", ""}}
		for _, v := range n.Detected {
			at := "-"
			if !v.At.IsZero() {
				at = when(v.At)
			}
			rows = append(rows, []string{"  " + clean(v.Of), cmp.Or(clean(v.Found), "-"), cmp.Or(clean(v.By), "-"), at, clean(v.Why)})
		}
		p.table(rows)
		p.f("\n")
		if len(n.Published) == 0 {
			p.f("  PUBLISHED\n  nothing yet\n")
		} else {
			p.properties("PUBLISHED", n.Published)
		}
		p.f("\n")
		p.properties("HIDDEN", n.Hidden)
		p.f("\n")
	}
	if len(e.NICs) == 0 {
		p.f("no network interface is known\n")
	}
	for _, s := range e.Skipped {
		p.f("not looked at: %s: %s\n", clean(s.Name), clean(s.Why))
	}
	for _, n := range e.Notes {
		p.f("note: %s\n", clean(n))
	}
	return p.err
}

// properties prints names and values under a heading.
func (p *printer) properties(heading string, list []control.Property) {
	rows := [][]string{{"  " + heading}}
	for _, v := range list {
		rows = append(rows, []string{"  " + clean(v.Name), clean(v.Value)})
	}
	p.table(rows)
}
