package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

func main() { os.Exit(process(startDaemon)) }

// process is the whole process but for its end; the tests run it with another
// daemon.
func process(start startFunc) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	a := newApp()
	a.start = start
	return a.main(ctx, os.Args)
}

// app is the command line with everything it touches outside this process, so
// that a test can run it within its own.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	start          startFunc
	simulate       simulateFunc
	// width is the columns of the terminal that is stdout, 0 if it is none.
	width int
	// stderrWidth is the columns of the terminal that is stderr, 0 if it is none.
	stderrWidth int
	// stdinTerminal: stdin is a person, who is to be told when it is waited for.
	stdinTerminal bool
}

// startFunc is startDaemon's type.
type startFunc = func(context.Context, runConfig) (daemon, func() error, error)

// newApp returns the app of this process.
func newApp() *app {
	a := &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv:        os.Getenv,
		simulate:      scenario.Run,
		stdinTerminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		a.width = w
	}
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil {
		a.stderrWidth = cmp.Or(w, 80) // some terminals do not say
	}
	return a
}
