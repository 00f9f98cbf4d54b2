package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

// daemon is short for what all commands ask.
type daemon = control.Daemon

// askPatience is how long a command waits for an answer that the daemon has at
// hand (our guess).
const askPatience = 30 * time.Second

const rootHelp = `A serverless multicast peer: publish and follow feeds that nobody can take
down, because there is no server to take down.

Start a peer, and leave it running:

   quilt-peer run

In another terminal, publish to an open topic, or make a feed that only you can
publish to:

   quilt-peer pub hello "Hi."
   quilt-peer feed new alice
   quilt-peer pub alice "My first entry."

Somebody else joins with a ticket from you (quilt-peer ticket --feed alice):

   quilt-peer run                  (on another computer)
   quilt-peer feed follow TICKET
   quilt-peer sub alice

To see it all at work on this computer alone: quilt-peer demo

FILES
   Keys, entries and settings are in the home directory: --home, else
   $QUILT_HOME, else $XDG_DATA_HOME/quilt, else ~/.local/share/quilt.
   Several peers on one computer need a home each.

EXIT STATUS
   0 for success; see "quilt-peer help exit-codes" for the others.`

// root returns the command line.
func (a *app) root() *cli.Command {
	root := &cli.Command{
		Name:                  "quilt-peer",
		Usage:                 "publish and follow feeds without a server",
		Description:           rootHelp,
		Version:               version(),
		Reader:                a.stdin,
		Writer:                a.stdout,
		ErrWriter:             a.stderr,
		EnableShellCompletion: true,
		Suggest:               true,
		// Errors are printed once, by app.main.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a completion script for bash, zsh, fish or pwsh"
		},
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "home", Usage: "directory `DIR` of keys, entries and settings",
				TakesFile: true, DefaultText: "$QUILT_HOME, else ~/.local/share/quilt",
			},
			&cli.BoolFlag{Name: "json", Usage: "print JSON, one object a line; errors too"},
		},
		Commands: []*cli.Command{
			a.runCommand(), a.pubCommand(), a.subCommand(), a.feedCommand(),
			a.ticketCommand(), a.peersCommand(), a.statusCommand(), a.euidCommand(), a.stopCommand(),
			a.demoCommand(), a.simulateCommand(), a.versionCommand(), a.exitCodesCommand(),
		},
	}
	_ = root.Walk(func(c *cli.Command) error {
		c.OnUsageError = onUsageError
		if c.Action == nil {
			c.Action = group
		}
		if len(c.Commands) == 0 {
			c.HideHelpCommand = true // else a topic could not be called "help"
		}
		return nil
	})
	return root
}

// group is what a command does that only has commands below it.
func group(_ context.Context, cmd *cli.Command) error {
	if !cmd.Args().Present() {
		if cmd.Root() == cmd {
			return cli.ShowRootCommandHelp(cmd)
		}
		return cli.ShowSubcommandHelp(cmd)
	}
	name := cmd.Args().First()
	hint := fmt.Sprintf("see \"%s --help\"", cmd.FullName())
	if near := cli.SuggestCommand(cmd.VisibleCommands(), name); near != "" {
		hint = fmt.Sprintf("did you mean %q? %s", near, "See \""+cmd.FullName()+" --help\"")
	}
	return usageError(fmt.Sprintf("there is no command %q", cmd.FullName()+" "+name), hint)
}

// onUsageError gives what the parser says the form of all errors.
func onUsageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	if _, ok := errors.AsType[*control.Error](err); ok {
		return err
	}
	message := err.Error()
	if flag, ok := strings.CutPrefix(message, "flag provided but not defined: "); ok {
		message = "there is no flag " + flag
	}
	message, _, _ = strings.Cut(message, ": strconv.") // Go's own words help nobody
	return usageError(message, fmt.Sprintf("see \"%s --help\"; a text that begins with a dash goes after --", cmd.FullName()))
}

// usageError is the user's mistake on the command line.
func usageError(message, hint string) error {
	return control.NewError(control.CodeUsage, message, hint)
}

// wantArgs checks the number of arguments.
func wantArgs(cmd *cli.Command, least, most int) error {
	n, name := cmd.Args().Len(), strings.TrimPrefix(cmd.FullName(), "quilt-peer ")
	hint := fmt.Sprintf("see \"quilt-peer %s --help\"", name)
	switch {
	case n < least:
		return usageError(fmt.Sprintf("%s needs %s", name, cmd.ArgsUsage), hint)
	case n > most && most == 0:
		return usageError(fmt.Sprintf("%s takes no argument, got %q", name, cmd.Args().First()), hint)
	case n > most:
		return usageError(fmt.Sprintf("%s takes only %s, got %q too", name, cmd.ArgsUsage, cmd.Args().Get(most)),
			"put a text of several words in quotes")
	}
	return nil
}

// home returns the daemon's home, absolute.
func (a *app) home(cmd *cli.Command) (string, error) {
	home := cmd.String("home")
	if home == "" {
		home = a.getenv("QUILT_HOME")
	}
	if data := a.getenv("XDG_DATA_HOME"); home == "" && filepath.IsAbs(data) {
		home = filepath.Join(data, "quilt")
	}
	if home == "" {
		user := a.getenv("HOME")
		if user == "" {
			return "", usageError("there is no home directory: $HOME is not set", "name one with --home")
		}
		home = filepath.Join(user, ".local", "share", "quilt")
	}
	return filepath.Abs(home)
}

// client returns the daemon to ask.
func (a *app) client(cmd *cli.Command) (*control.Client, error) {
	home, err := a.home(cmd)
	if err != nil {
		return nil, err
	}
	return control.NewClient(home), nil
}

// quick makes a command out of one that asks what is answered at once.
func (a *app) quick(least, most int, do func(context.Context, *cli.Command, daemon) error) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		if err := wantArgs(cmd, least, most); err != nil {
			return err
		}
		c, err := a.client(cmd)
		if err != nil {
			return err
		}
		defer c.Close()
		asking, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		err = do(asking, cmd, c)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return control.NewError(control.CodeTimeout,
				fmt.Sprintf("the daemon did not answer within %s", askPatience),
				"see what it prints; it may be waiting for its disk")
		}
		return err
	}
}

// absPath makes a path mean the same to the daemon, which runs elsewhere.
func absPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); err != nil {
		return "", control.NewError(control.CodeRefused, err.Error(), "give a file that exists, or a URL with http:// or https://")
	}
	return abs, nil
}
