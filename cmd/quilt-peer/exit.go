package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

// The exit codes. They stay as they are: scripts depend on them.
const (
	exitOK             = 0
	exitFailure        = 1
	exitUsage          = 2
	exitNotRunning     = 3
	exitTimeout        = 4
	exitAlreadyRunning = 5
	exitRefused        = 6
	exitLost           = 7
	exitInterrupted    = 130
)

const exitCodesHelp = `0    done
1    failed; the message says why
2    the command line makes no sense
3    no daemon is running for this home, or it stopped meanwhile
4    not done in time (an entry that was published is safe all the same)
5    a daemon is already running for this home
6    refused: a bad ticket, address, document or entry
7    simulate: the run is done, but items were lost
130  interrupted by a signal before it was done

"run", and "sub" without --count, are done when they are interrupted.

With --json an error is one object on standard error:
{"error": what happened, "hint": what to do next, "code": its kind}.`

// exitCodesCommand is a help topic.
func (a *app) exitCodesCommand() *cli.Command {
	return &cli.Command{
		Name:        "exit-codes",
		Usage:       "what the exit codes mean",
		Category:    "more help",
		Description: exitCodesHelp,
		Action: func(_ context.Context, cmd *cli.Command) error {
			_, err := fmt.Fprintln(a.stdout, exitCodesHelp)
			return err
		},
	}
}

// errInterrupted says that a signal came before a command was done.
var errInterrupted = errors.New("interrupted")

// main runs one command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	err := a.root().Run(ctx, args)
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)) {
		return exitInterrupted // whoever sent the signal knows
	}
	if err == nil {
		return exitOK
	}
	if c, ok := errors.AsType[cli.ExitCoder](err); ok { // only the parser makes these
		message, _, _ := strings.Cut(c.Error(), ". ") // what follows is a guess, and a wild one
		err = usageError(message, `see "quilt-peer --help"`)
	}
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	a.report(err, slices.Contains(args, "--json"))
	return exitCode(err)
}

// exitCode returns the exit code for an error.
func exitCode(err error) int {
	switch control.CodeOf(err) {
	case control.CodeUsage:
		return exitUsage
	case control.CodeNotRunning, control.CodeStopping:
		return exitNotRunning
	case control.CodeTimeout:
		return exitTimeout
	case control.CodeAlreadyRunning:
		return exitAlreadyRunning
	case control.CodeRefused:
		return exitRefused
	case codeLost:
		return exitLost
	}
	return exitFailure
}

// report tells the user what went wrong.
func (a *app) report(err error, asJSON bool) {
	for { // errors.Join wraps even a single error
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok || len(joined.Unwrap()) != 1 {
			break
		}
		err = joined.Unwrap()[0]
	}
	e, ok := err.(*control.Error)
	if !ok { // the words around one belong to what happened
		e = control.NewError(control.CodeOf(err), err.Error(), "")
	}
	if asJSON {
		_ = json.NewEncoder(a.stderr).Encode(e)
		return
	}
	fmt.Fprintln(a.stderr, "quilt-peer: "+clean(e.Error()))
}
