package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	peer := flag.String("peer", "", "the quilt-peer to run")
	record := flag.Bool("record", false, "write what comes out into the file")
	flag.Parse()
	path := "internal/figures/figures.txt"
	if flag.NArg() > 0 {
		path = flag.Arg(0)
	}
	drifts, err := check(*peer, path, *record, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(2)
	case drifts > 0 && !*record:
		fmt.Fprintf(os.Stderr, "%d figures have drifted. If that was meant, record them in a commit that says why:\n"+
			"go run ./internal/figures -peer PROGRAM -record\n", drifts)
		os.Exit(1)
	}
}

// check runs every experiment of a file and reports how many figures have drifted.
func check(peer, path string, record bool, out io.Writer) (drifts int, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines, err := parse(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	var result map[string]any
	var after strings.Builder
	for _, l := range lines {
		switch {
		case l.flags != nil:
			fmt.Fprintln(out, "run", strings.Join(l.flags, " "))
			if result, err = simulate(peer, l.flags); err != nil {
				return drifts, err
			}
			fmt.Fprintln(&after, "run", strings.Join(l.flags, " "))
		case l.figure == nil:
			fmt.Fprintln(&after, l.text)
		default:
			now, err := lookUp(result, l.figure.path)
			if err != nil {
				return drifts, err
			}
			mark := ""
			if l.figure.drifted(now) {
				drifts++
				mark = "  DRIFTED"
			}
			fmt.Fprintf(out, "%v   now %s%s\n", l.figure, show(now), mark)
			l.figure.recorded = now
			fmt.Fprintln(&after, l.figure)
		}
	}
	if record {
		return drifts, os.WriteFile(path, []byte(after.String()), 0o644)
	}
	return drifts, nil
}

// simulate runs one experiment and returns its JSON object. That items were lost is
// for the figures to tell.
func simulate(peer string, flags []string) (result map[string]any, err error) {
	if peer == "" {
		return nil, fmt.Errorf("-peer is missing: build ./cmd/quilt-peer and name the program")
	}
	cmd := exec.Command(peer, append([]string{"simulate", "--json"}, flags...)...)
	cmd.Stderr = os.Stderr
	printed, failed := cmd.Output()
	if err := json.Unmarshal(printed, &result); err != nil {
		return nil, fmt.Errorf("simulate %s: %v, printed no result: %w", strings.Join(flags, " "), failed, err)
	}
	return result, nil
}

// lookUp finds a number by its path, "latency_ms.p50"; nil is null.
func lookUp(result map[string]any, path string) (*float64, error) {
	var at any = result
	for _, name := range strings.Split(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil, nil // null above it
		}
		if at, ok = object[name]; !ok {
			return nil, fmt.Errorf("the result has no field %s", path)
		}
	}
	switch v := at.(type) {
	case nil:
		return nil, nil
	case float64:
		return &v, nil
	}
	return nil, fmt.Errorf("field %s is %v, not a number", path, at)
}
