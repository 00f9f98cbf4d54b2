package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/sim/adversary"
)

// simulateChoices are what the shell offers after a flag: "word:what it is".
var simulateChoices = map[string][]string{
	"--topology":  {"grid5000:1528 hosts at 9 sites", "lognormal:N hosts, as in lognormal:1000", "king:N hosts, as in king:1000", "lan:N hosts, as in lan:50"},
	"--protocol":  {"gossip:eager and lazy push along a tree", "ipmc:IP multicast, where all hosts are in one domain"},
	"--kill-mode": {"silent:they just stop", "reset:their systems close their links"},
	"--trace":     {"peer=:a host by its name", "item=:an item by its number"},
	"--attack":    attackChoices(),
}

// attackChoices are the attacks.
func attackChoices() (choices []string) {
	for _, name := range adversary.Names() {
		a, _ := adversary.Named(name) // its own list has no other
		choices = append(choices, name+":"+a.Doc)
	}
	return choices
}

// completeSimulate offers the values of the flag before, else flags.
func completeSimulate(ctx context.Context, cmd *cli.Command) {
	if args := cmd.Args().Slice(); len(args) > 0 {
		if choices, ok := simulateChoices[args[len(args)-1]]; ok {
			for _, c := range choices {
				fmt.Fprintln(cmd.Root().Writer, c)
			}
			return
		}
	}
	cli.DefaultCompleteWithFlags(ctx, cmd)
}
