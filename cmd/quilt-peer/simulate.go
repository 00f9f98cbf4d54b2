package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/sim/report"
	"github.com/quilt-p2p/quilt/sim/scenario"
	"github.com/quilt-p2p/quilt/sim/topology"
)

const simulateHelp = `Runs up to 100,000 peers of the very core that ships, in virtual time, on this
computer alone, and says how well they did: what was lost, how long items took,
what it cost. Same flags, same result, to the last event.

   quilt-peer simulate --topology grid5000
   quilt-peer simulate --topology king:1000 --kill 0.5 --report out
   quilt-peer simulate --topology lognormal:200 --loss 0.05 --seeds 5
   quilt-peer simulate --topology king:1000 --json > a.json
   quilt-peer simulate --compare a.json b.json

NETWORKS
   grid5000 (1,528 hosts at 9 sites), lognormal:N and king:N (N hosts, 2 to
   100,000, drawn; both are synthetic), provider:N (hosts of one provider),
   lan:N (one switch with IP multicast), or a directory with a topology.json.

OUTPUT
   A table; with --json one object of figures, with --seeds one a line. F is a
   share from 0 to 1, D a duration such as 90s or 0.2ms. docs/simulate.md says
   what each figure means. Exit code 7: items were lost.`

// simulateFunc is scenario.Run's type.
type simulateFunc = func(context.Context, scenario.Scenario, scenario.Options) (*scenario.Result, *scenario.Details, error)

// scenarioFlags are the flags that say what is run; scenario.Set reads them.
func scenarioFlags() []cli.Flag {
	flag := func(name, value, usage string) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: usage, DefaultText: value, HideDefault: value == ""}
	}
	return []cli.Flag{
		flag("topology", "", "run on the network `NAME|DIR`: grid5000, lognormal:N, king:N, provider:N, lan:N or a directory"),
		flag("protocol", "gossip", "what carries items, `NAME`: gossip, omni, donet, donet-2005, or ipmc on a lan"),
		flag("seed", "1", "`N` determines all that is drawn"),
		flag("k", "", "representatives of a patch, `N`, for protocols with patches"),
		flag("publisher", "", "who publishes: names of `HOST,...` with commas between them"),
		flag("publishers", "1", "draw `N` publishers; one owns a feed, several share an open topic"),
		flag("rate", "10", "`R` items a second, of all publishers together"),
		flag("items", "100", "publish `N` items"),
		flag("size", "1024", "of so many `BYTES` each, as 1024, 64KiB or 100MB; what is larger than an item goes in pieces"),
		flag("deadline", "", "measure which share of items comes within `D`"),
		flag("warmup", "60s", "time `D` before the first item; hosts join in its first quarter"),
		flag("drain", "60s", "give up so long `D` after the last item"),
		flag("processing", "0.2ms", "time `D` that a host takes to verify an item and pass it on"),
		flag("kill", "", "share `F` of hosts that die at once in the middle"),
		flag("kill-publishers", "", "the first `N` publishers die in the middle; others go on"),
		flag("kill-mode", "silent", "how they die, `MODE`: silent, or reset, where their systems close their links"),
		flag("loss", "", "share `F` of messages that never arrive"),
		flag("jitter", "", "a message may take longer than the latency by up to this share `F` of it"),
		flag("churn", "", "mean lifetime `D` of a host; who dies is replaced at once"),
		flag("partition", "", "share `F` of hosts cut off from the others, from a quarter of the items on"),
		&cli.BoolFlag{Name: "split", Usage: "publishers are in both parts of a partition"},
		flag("partition-for", "30s", "for so long `D`"),
		flag("late", "", "share `F` of hosts that join only after half of the items"),
		flag("adversaries", "", "share `F` of hosts that attack; needs --attack"),
		flag("attack", "", "what they do: `NAME`"),
		&cli.BoolFlag{Name: "codec", Usage: "encode and decode every message on its way"},
	}
}

func (a *app) simulateCommand() *cli.Command {
	return &cli.Command{
		Name:        "simulate",
		Usage:       "run up to 100,000 peers in virtual time and measure them",
		ArgsUsage:   "[--compare A B]",
		Description: simulateHelp,
		Flags: append(scenarioFlags(),
			&cli.IntFlag{Name: "seeds", Usage: "run `M` seeds from --seed on, one after the other", Value: 1},
			&cli.StringFlag{Name: "report", Usage: "write a page with charts, and its figures, into `DIR`", TakesFile: true},
			&cli.BoolFlag{Name: "compare", Usage: "run nothing: compare two results, files of --json or directories of --report"},
			&cli.BoolFlag{Name: "check", Usage: "check invariants after every event, which takes longer"},
			&cli.StringFlag{Name: "trace", Usage: "print each event of `peer=NAME|item=N` on standard error"},
			&cli.BoolFlag{Name: "progress", Usage: "show progress where standard error is no terminal, too"},
		),
		Action:        a.simulateOrCompare,
		ShellComplete: completeSimulate,
	}
}

// MaxSeeds bounds --seeds.
const maxSeeds = 1000

// experiment is what the command line asks for.
type experiment struct {
	scenario scenario.Scenario
	options  scenario.Options
	seeds    int
	report   string // directory, empty for none
	json     bool
}

func (a *app) simulateOrCompare(ctx context.Context, cmd *cli.Command) error {
	if cmd.Bool("compare") {
		return a.compare(cmd)
	}
	if cmd.Args().Present() {
		return usageError(fmt.Sprintf("simulate takes no argument, got %q", cmd.Args().First()),
			`everything is a flag; two results are compared with --compare; see "quilt-peer simulate --help"`)
	}
	e, err := a.experiment(cmd)
	if err != nil {
		return err
	}
	return a.runSeeds(ctx, cmd, e)
}

// experiment reads the flags.
func (a *app) experiment(cmd *cli.Command) (*experiment, error) {
	e := &experiment{seeds: cmd.Int("seeds"), report: cmd.String("report"), json: cmd.Bool("json")}
	if err := readScenario(cmd, &e.scenario); err != nil {
		return nil, err
	}
	e.options.Check = cmd.Bool("check")
	if err := a.readTrace(cmd.String("trace"), &e.options); err != nil {
		return nil, err
	}
	switch {
	case e.seeds < 1 || e.seeds > maxSeeds:
		return nil, usageError(fmt.Sprintf("--seeds %d: 1 to %d are possible", e.seeds, maxSeeds), "")
	case e.seeds > 1 && e.report != "":
		return nil, usageError("--report shows one run, but --seeds runs several", "leave one of them out")
	case e.seeds > 1 && e.options.Trace != nil:
		return nil, usageError("--trace follows one run, but --seeds runs several", "leave one of them out")
	}
	if e.scenario.Topology != "" {
		var err error
		if e.options.Files, e.options.Dir, err = openTopology(e.scenario.Topology); err != nil {
			return nil, err
		}
	}
	if err := e.scenario.Validate(e.options); err != nil {
		return nil, usageError(err.Error(), "")
	}
	if e.report != "" {
		// Better now than after a long run.
		if err := errors.Join(report.CheckDir(e.report), os.MkdirAll(e.report, 0o755)); err != nil {
			return nil, asUsage(err)
		}
	}
	return e, nil
}

// aboveZero are the flags for which 0 makes no sense; in a Scenario it means the
// default, which nobody who writes 0 means.
var aboveZero = []string{"seed", "publishers", "rate", "items", "size", "warmup", "drain", "partition-for", "kill-publishers"}

// needs are flags that mean nothing without another.
var needs = [][2]string{{"partition-for", "partition"}, {"split", "partition"}, {"attack", "adversaries"}}

// readScenario reads the flags that say what is run.
func readScenario(cmd *cli.Command, s *scenario.Scenario) error {
	for _, name := range scenario.FlagNames() {
		if !cmd.IsSet(name) {
			continue
		}
		value := fmt.Sprint(cmd.Value(name))
		var alone scenario.Scenario
		if err := errors.Join(alone.Set(name, value), s.Set(name, value)); err != nil {
			return usageError(strings.SplitN(err.Error(), "\n", 2)[0], "")
		}
		if slices.Contains(aboveZero, name) && reflect.DeepEqual(alone, scenario.Scenario{}) {
			return usageError(fmt.Sprintf("--%s %s: it must be above 0", name, value), "leave it out for the default")
		}
	}
	for _, n := range needs {
		if cmd.IsSet(n[0]) && !cmd.IsSet(n[1]) {
			return usageError(fmt.Sprintf("--%s means nothing without --%s", n[0], n[1]), fmt.Sprintf("add --%s with a share from 0 to 1, or leave it out", n[1]))
		}
	}
	if cmd.IsSet("kill-mode") && !cmd.IsSet("kill") && !cmd.IsSet("kill-publishers") {
		return usageError("--kill-mode means nothing without --kill", "add --kill with a share from 0 to 1, or leave it out")
	}
	return nil
}

// readTrace reads --trace.
func (a *app) readTrace(spec string, o *scenario.Options) error {
	if spec == "" {
		return nil
	}
	what, which, _ := strings.Cut(spec, "=")
	n, err := strconv.Atoi(which)
	switch {
	case what == "peer" && which != "":
		o.TracePeer = which
	case what == "item" && err == nil && n > 0:
		o.TraceItem = n
	default:
		return usageError(fmt.Sprintf("--trace %s: it is neither a peer nor an item", spec), "write peer=NAME with a host's name in the topology, or item=N with an item's number from 1")
	}
	o.Trace = a.stderr
	return nil
}

// builtIn are the topologies that need no directory.
var builtIn = []string{"grid5000", "lognormal", "king", "lan", "provider", "providermix"}

// openTopology opens the directory of a topology; nil for a built-in one.
func openTopology(spec string) (files fs.FS, dir string, err error) {
	if name, _, _ := strings.Cut(spec, ":"); slices.Contains(builtIn, name) {
		return nil, "", nil
	}
	const choices = "choose grid5000, lognormal:N or king:N (N hosts, 2 to 100000), or a directory with a topology.json"
	info, err := os.Stat(spec)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", usageError(fmt.Sprintf("--topology %s: there is no topology and no directory of that name", spec), choices)
	case err != nil:
		return nil, "", usageError("--topology "+spec+": "+err.Error(), choices)
	case !info.IsDir():
		return nil, "", usageError(fmt.Sprintf("--topology %s is a file", spec), "name the directory that has topology.json")
	}
	return os.DirFS(spec), ".", nil
}

// startError is the error of a run that did not begin: something on the command
// line, or in the files that it names.
func startError(s *scenario.Scenario, err error) error {
	if e, ok := errors.AsType[*topology.FormatError](err); ok {
		whole := *e
		whole.File, whole.Advice = filepath.Join(s.Topology, filepath.FromSlash(e.File)), ""
		return control.NewError(control.CodeUsage, whole.Error(), e.Advice)
	}
	return asUsage(err)
}

// asUsage says that the user made a mistake.
func asUsage(err error) error {
	if e, ok := errors.AsType[*report.DirError](err); ok {
		return usageError(e.Dir+" "+e.Problem, e.Advice)
	}
	return usageError(err.Error(), "")
}
