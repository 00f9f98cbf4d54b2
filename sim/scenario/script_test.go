package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	stdflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = stdflag.Bool("update", false, "write what the scenarios in testdata come to into their files")

// A script is a file in testdata: comments and empty lines, then a flag of quilt-peer
// simulate and its value a line, without dashes; then a line of dashes, and below it
// what comes of it, a field of the result and its value a line. The second part is
// written by
//
//	go test ./sim/scenario -run TestScripts -update
type script struct {
	scenario Scenario
	head     string // all above the result, as it is
	result   string
}

const scriptLine = "----"

// parseScript reads a script; errors begin with file and line.
func parseScript(file, text string) (*script, error) {
	head, result, ok := strings.Cut(text, "\n"+scriptLine+"\n")
	if !ok {
		return nil, fmt.Errorf("%s: a line %q between flags and result is missing", file, scriptLine)
	}
	sc := &script{head: head, result: result}
	lines := make(map[string]int)
	for i, line := range strings.Split(head, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(value)
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
			continue
		case value == "":
			return nil, fmt.Errorf("%s:%d: %s has no value", file, i+1, name)
		case lines[name] > 0:
			return nil, fmt.Errorf("%s:%d: %s was given in line %d already", file, i+1, name, lines[name])
		}
		lines[name] = i + 1
		if err := sc.scenario.Set(name, value); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	if err := sc.scenario.Validate(Options{}); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return sc, nil
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc, err := parseScript(file, string(text))
			if err != nil {
				t.Fatal(err)
			}
			res, details, err := Run(context.Background(), sc.scenario, Options{Check: true})
			if err != nil {
				t.Fatal(err)
			}
			consistent(t, res, details)
			got := flatten(t, res)
			if *update {
				if err := os.WriteFile(file, []byte(sc.head+"\n"+scriptLine+"\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, file, sc.result, got)
		})
	}
}

// compare says which lines differ.
func compare(t *testing.T, file, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	was, is := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range is {
		name, _, _ := strings.Cut(line, " ")
		i := slices.IndexFunc(was, func(l string) bool { return strings.HasPrefix(l, name+" ") })
		switch {
		case line == "" || slices.Contains(was, line):
		case i < 0:
			t.Errorf("%s: %s is new", file, line)
		default:
			t.Errorf("%s: %s, recorded %s", file, line, strings.TrimPrefix(was[i], name+" "))
		}
	}
	t.Errorf("%s: the result is not what is recorded; if it should be, record it in a commit that says why:\n"+
		"go test ./sim/scenario -run TestScripts -update", file)
}

// flatten writes a result a field a line, the fields of objects with a dot; without
// those that depend on the machine.
func flatten(t *testing.T, res *Result) string {
	t.Helper()
	text, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var b strings.Builder
	flattenObject(t, dec, "", &b)
	return b.String()
}

var machineDependent = []string{"wall_s", "peak_rss_mb", "bytes_per_peer", "state_bytes_per_host"}

// flattenObject reads one object, or list of strings, from its bracket on.
func flattenObject(t *testing.T, dec *json.Decoder, prefix string, b *strings.Builder) {
	next := func() json.Token {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	if prefix == "" {
		next()
	}
	for dec.More() {
		name := next().(string)
		switch v := next().(type) {
		case json.Delim:
			if v == '{' {
				flattenObject(t, dec, prefix+name+".", b)
				continue
			}
			var list []string
			for dec.More() {
				list = append(list, next().(string))
			}
			next()
			fmt.Fprintf(b, "%s%s %s\n", prefix, name, strings.Join(list, ","))
		case nil:
			fmt.Fprintf(b, "%s%s null\n", prefix, name)
		default:
			if !slices.Contains(machineDependent, name) {
				fmt.Fprintf(b, "%s%s %v\n", prefix, name, v)
			}
		}
	}
	next()
}

func TestBadScripts(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"topology king:5", "a line \"----\" between"},
		{"# comment\n\ntopology\n----\n", "bad.txt:3: topology has no value"},
		{"topology king:5\nkil 0.5\n----\n", "bad.txt:2: --kil: there is no such flag; did you mean --kill?"},
		{"kill 0.5\nkill 0.6\n----\n", "bad.txt:2: kill was given in line 1 already"},
		{"kill half\n----\n", "bad.txt:1: --kill half: a number is possible"},
		{"topology king:5\nkill 1.5\n----\n", "bad.txt: --kill 1.5: a share from 0 to 1 is possible"},
	} {
		if _, err := parseScript("bad.txt", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}
