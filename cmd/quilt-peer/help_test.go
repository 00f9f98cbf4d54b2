package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

var update = flag.Bool("update", false, "write the help texts anew")

// The help texts are what people read first: a change shows in the difference of
// testdata/help.txt. Write it anew with: go test ./cmd/quilt-peer -run Help -update
func TestHelp(t *testing.T) {
	b := newBench(t)
	a, _, _ := b.app("")
	var got bytes.Buffer
	help := func(args ...string) {
		r := b.run(append(args, "--help")...)
		if r.code != 0 || r.stderr != "" {
			t.Errorf("%v --help: %+v", args, r)
		}
		got.WriteString("$ quilt-peer " + strings.Join(append(args, "--help"), " ") + "\n")
		got.WriteString(strings.ReplaceAll(r.stdout, version(), "VERSION") + "\n")
	}
	help()
	for _, c := range a.root().Commands {
		help(c.Name)
		for _, sub := range c.Commands {
			help(c.Name, sub.Name)
		}
	}
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the help texts changed; if that is meant, run with -update. Now:\n%s", &got)
	}
}

// Every command says what it is for; every flag too; no line is wider than 100
// columns but the lists of flags.
func TestHelpIsComplete(t *testing.T) {
	a, _, _ := newBench(t).app("")
	err := a.root().Walk(func(c *cli.Command) error {
		if c.Usage == "" {
			t.Errorf("%s has no usage", c.FullName())
		}
		for _, f := range c.Flags {
			if d, ok := f.(cli.DocGenerationFlag); !ok || d.GetUsage() == "" {
				t.Errorf("%s: flag %s has no usage", c.FullName(), f.Names()[0])
			}
		}
		for line := range strings.Lines(c.Description) {
			if len(line) > 100 {
				t.Errorf("%s: a line of %d bytes: %s", c.FullName(), len(line), line)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Commands that need no daemon.
func TestWithoutDaemon(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "COMMANDS:"},
		{[]string{"feed"}, "follow"},
		{[]string{"version"}, "quilt-peer " + version() + " (go"},
		{[]string{"version", "--json"}, `"version":"` + version() + `"`},
		{[]string{"--version"}, version()},
		{[]string{"exit-codes"}, "130  interrupted"},
		{[]string{"help", "exit-codes"}, "130  interrupted"},
		{[]string{"completion", "bash"}, "complete "},
		{[]string{"completion", "zsh"}, "#compdef quilt-peer"},
		{[]string{"completion", "fish"}, "quilt-peer"},
		{[]string{"feed", "--generate-shell-completion"}, "unfollow"},
	} {
		if got := b.run(tt.args...); got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, tt.want) {
			t.Errorf("%v: %+v, want %q", tt.args, got, tt.want)
		}
	}
}
