package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
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
	// width is the columns of the terminal that is stdout, 0 if it is none.
	width int
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
		stdinTerminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		a.width = w
	}
	return a
}
