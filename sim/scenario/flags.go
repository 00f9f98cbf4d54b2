package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// flag is one field of a scenario on a command line, or in a file.
type flag struct {
	name string
	// set reads a value; what is wrong with it says the error, without the name.
	set func(s *Scenario, value string) error
	// get writes the field so that set reads it.
	get func(s *Scenario) string
	// bare is set where a command line has the name alone, for true.
	bare bool
}

// flags are all of them, in the order in which a command has them.
var flags = []flag{
	text("topology", func(s *Scenario) *string { return &s.Topology }),
	text("protocol", func(s *Scenario) *string { return &s.Protocol }),
	{"seed", func(s *Scenario, v string) (err error) {
		if s.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fmt.Errorf("a seed is a number from 0 to %d", uint64(1<<64-1))
		}
		return nil
	}, func(s *Scenario) string { return strconv.FormatUint(s.Seed, 10) }, false},
	whole("k", func(s *Scenario) *int { return &s.K }),
	{"publisher", func(s *Scenario, v string) error { s.Publishers = strings.Split(v, ","); return nil },
		func(s *Scenario) string { return strings.Join(s.Publishers, ",") }, false},
	whole("publishers", func(s *Scenario) *int { return &s.Draw }),
	number("rate", func(s *Scenario) *float64 { return &s.Rate }),
	whole("items", func(s *Scenario) *int { return &s.Items }),
	{"size", func(s *Scenario, v string) (err error) { s.Size, err = parseSize(v); return err },
		func(s *Scenario) string { return strconv.Itoa(s.Size) }, false},
	duration("warmup", func(s *Scenario) *time.Duration { return &s.Warmup }),
	duration("deadline", func(s *Scenario) *time.Duration { return &s.Deadline }),
	duration("drain", func(s *Scenario) *time.Duration { return &s.Drain }),
	{"processing", setProcessing, func(s *Scenario) string { return max(s.Processing, 0).String() }, false},
	number("kill", func(s *Scenario) *float64 { return &s.Kill }),
	whole("kill-publishers", func(s *Scenario) *int { return &s.KillPublishers }),
	text("kill-mode", func(s *Scenario) *string { return &s.KillMode }),
	number("loss", func(s *Scenario) *float64 { return &s.Loss }),
	number("jitter", func(s *Scenario) *float64 { return &s.Jitter }),
	duration("churn", func(s *Scenario) *time.Duration { return &s.Churn }),
	number("partition", func(s *Scenario) *float64 { return &s.Partition }),
	truth("split", func(s *Scenario) *bool { return &s.Split }),
	duration("partition-for", func(s *Scenario) *time.Duration { return &s.PartitionFor }),
	number("late", func(s *Scenario) *float64 { return &s.Late }),
	number("adversaries", func(s *Scenario) *float64 { return &s.Adversaries }),
	text("attack", func(s *Scenario) *string { return &s.Attack }),
	truth("codec", func(s *Scenario) *bool { return &s.Codec }),
}

// setProcessing reads a duration; none at all is negative in a Scenario.
func setProcessing(s *Scenario, v string) error {
	d, err := parseDuration(v)
	if d == 0 {
		d = -1
	}
	s.Processing = d
	return err
}

// FlagNames are the names that [Scenario.Set] knows, without dashes.
func FlagNames() []string {
	names := make([]string, len(flags))
	for i := range flags {
		names[i] = flags[i].name
	}
	return names
}

// Set sets the field that a flag of a command line stands for, without dashes. The
// error names flag and value. What it takes may still be out of bounds: see
// [Scenario.Validate].
func (s *Scenario) Set(name, value string) error {
	i := slices.IndexFunc(flags, func(f flag) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("--%s: there is no such flag; did you mean --%s?", name, nearest(name, FlagNames()))
	}
	if err := flags[i].set(s, value); err != nil {
		return fmt.Errorf("--%s %s: %w", name, value, err)
	}
	return nil
}

// Command is the command line that runs the scenario. It leaves out what is the
// default. Pasted into a POSIX shell it runs, wherever a topology's directory is
// where the Scenario says.
func (s Scenario) Command() string {
	s = s.WithDefaults()
	var none Scenario
	none = none.WithDefaults()
	words := []string{"quilt-peer simulate"}
	for _, f := range flags {
		switch v := f.get(&s); {
		case v == f.get(&none), f.name == "publishers" && len(s.Publishers) > 0:
		case f.bare:
			words = append(words, "--"+f.name)
		default:
			words = append(words, "--"+f.name, quote(v))
		}
	}
	return strings.Join(words, " ")
}

// quote makes one word of a value for a POSIX shell.
func quote(v string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.,:/+@%", r)
	}
	if v != "" && !strings.ContainsFunc(v, func(r rune) bool { return !plain(r) }) {
		return v
	}
	return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'"
}

// The kinds of fields.

func text(name string, field func(*Scenario) *string) flag {
	return flag{name, func(s *Scenario, v string) error { *field(s) = v; return nil },
		func(s *Scenario) string { return *field(s) }, false}
}

func truth(name string, field func(*Scenario) *bool) flag {
	return flag{name, func(s *Scenario, v string) (err error) {
		if *field(s), err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("true or false is possible")
		}
		return nil
	}, func(s *Scenario) string { return strconv.FormatBool(*field(s)) }, true}
}

func whole(name string, field func(*Scenario) *int) flag {
	return flag{name, func(s *Scenario, v string) (err error) {
		if *field(s), err = strconv.Atoi(v); err != nil {
			return fmt.Errorf("a whole number is possible")
		}
		return nil
	}, func(s *Scenario) string { return strconv.Itoa(*field(s)) }, false}
}

func number(name string, field func(*Scenario) *float64) flag {
	return flag{name, func(s *Scenario, v string) (err error) {
		if *field(s), err = strconv.ParseFloat(v, 64); err != nil {
			return fmt.Errorf("a number is possible, as 0.5")
		}
		return nil
	}, func(s *Scenario) string { return strconv.FormatFloat(*field(s), 'g', -1, 64) }, false}
}

func duration(name string, field func(*Scenario) *time.Duration) flag {
	return flag{name, func(s *Scenario, v string) (err error) {
		*field(s), err = parseDuration(v)
		return err
	}, func(s *Scenario) string { return field(s).String() }, false}
}

func parseDuration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		return 0, fmt.Errorf("a duration is possible, as 90s or 0.2ms")
	}
	if d < 0 {
		return 0, fmt.Errorf("a duration is not below 0")
	}
	return d, nil
}
