package scenario

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		s    Scenario
		want string
	}{
		{Scenario{Topology: "grid5000"}, "quilt-peer simulate --topology grid5000"},
		{Scenario{Topology: "it's mine", Seed: 7, Processing: -1, Kill: 0.5, KillMode: KillReset, Codec: true, Draw: 3},
			`quilt-peer simulate --topology 'it'\''s mine' --seed 7 --publishers 3 --processing 0s --kill 0.5 --kill-mode reset --codec`},
		{Scenario{Topology: "king:9", Publishers: []string{"h1", "h2"}, Warmup: 90 * time.Second, Items: 1},
			"quilt-peer simulate --topology king:9 --publisher h1,h2 --items 1 --warmup 1m30s"},
	} {
		if got := c.s.Command(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// Every field has a flag, and what the flags are set to by Command is the scenario.
func TestFlagsCoverScenario(t *testing.T) {
	s := Scenario{Topology: "king:9", Protocol: "flood", Seed: 2, K: 3, Publishers: []string{"a", "b"}, Rate: 0.5, Items: 4,
		Size: 5, Warmup: 6 * time.Second, Drain: 7 * time.Second, Processing: 8, Kill: 0.9, KillMode: KillReset, KillPublishers: 1, Loss: 0.01,
		Jitter: 0.11, Churn: 12 * time.Second, Partition: 0.13, Split: true, PartitionFor: 14 * time.Second, Late: 0.15,
		Adversaries: 0.16, Attack: "drop", Codec: true, Deadline: 15 * time.Second}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Draw" {
			t.Errorf("the test does not set %s", name)
		}
	}
	var again Scenario
	words := strings.Fields(s.Command())[2:]
	for len(words) > 0 {
		name, value := strings.TrimPrefix(words[0], "--"), "true"
		words = words[1:]
		if len(words) > 0 && !strings.HasPrefix(words[0], "--") {
			value, words = words[0], words[1:]
		}
		if err := again.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(again, s) {
		t.Errorf("%s\nruns  %+v\nwant %+v", s.Command(), again, s)
	}
	if len(FlagNames()) != v.NumField() {
		t.Errorf("%d flags for %d fields", len(FlagNames()), v.NumField())
	}
}

func TestBadFlags(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"itens", "3", "--itens: there is no such flag; did you mean --items?"},
		{"items", "3.5", "--items 3.5: a whole number is possible"},
		{"rate", "fast", "--rate fast: a number is possible, as 0.5"},
		{"warmup", "60", "--warmup 60: a duration is possible, as 90s or 0.2ms"},
		{"warmup", "-1s", "--warmup -1s: a duration is not below 0"},
		{"processing", "-1s", "--processing -1s: a duration is not below 0"},
		{"seed", "-1", "--seed -1: a seed is a number from 0 to 18446744073709551615"},
		{"split", "maybe", "--split maybe: true or false is possible"},
		{"kill-publishers", "half", "--kill-publishers half: a whole number is possible"},
		{"codec", "maybe", "--codec maybe: true or false is possible"},
	} {
		var s Scenario
		if err := s.Set(c.name, c.value); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
