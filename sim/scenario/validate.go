package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Bounds of a scenario. Those that no line explains are our guesses of what nobody
// wants to exceed by purpose.
const (
	// MaxItems bounds Scenario.Items, MaxRate Scenario.Rate.
	MaxItems = 100_000
	MaxRate  = 10_000
	// MaxPublishers bounds the publishers, MaxK representatives.
	MaxPublishers = 1000
	MaxK          = 100
	// MinWarmup is the shortest Scenario.Warmup, MinChurn the shortest mean lifetime:
	// nobody comes to do anything in less.
	MinWarmup = time.Second
	MinChurn  = time.Second
	// MaxSpan bounds every duration. Latencies are told apart up to 35 minutes.
	MaxSpan = 24 * time.Hour
)

// Validate says what is wrong with a scenario, as far as that shows without its
// topology; nil for nothing. Every error names the flag of the command line that
// stands for the field and says what would do. Fields that are zero have their
// default.
func (s Scenario) Validate(o Options) error {
	s = s.WithDefaults()
	return cmp.Or(s.checkNames(&o), s.checkItems(), s.checkTimes(), s.checkShares(), s.checkAttack(), s.checkOptions(&o))
}

func (s *Scenario) checkNames(o *Options) error {
	if s.Topology == "" {
		return errors.New("--topology: on which network? Choose grid5000, lognormal:N, king:N or a directory")
	}
	if _, err := findPlugin(s.Protocol, o.Plugins); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(s.Publishers))
	for i, name := range sorted {
		if name == "" {
			return errors.New("--publisher: a name is empty; give names of hosts with commas between them")
		}
		if i > 0 && sorted[i-1] == name {
			return fmt.Errorf("--publisher %s: named twice; once is enough", name)
		}
	}
	if s.KillMode != KillSilent && s.KillMode != KillReset {
		return fmt.Errorf("--kill-mode %s: %s or %s is possible", s.KillMode, KillSilent, KillReset)
	}
	return nil
}

func (s *Scenario) checkItems() error {
	if !(s.Rate > 0 && s.Rate <= MaxRate) {
		return fmt.Errorf("--rate %v: items a second are above 0 and at most %d", s.Rate, MaxRate)
	}
	return cmp.Or(
		between("k", s.K, 0, MaxK),
		between("publishers", s.publishers(), 1, MaxPublishers),
		s.checkPublishers(),
		between("items", s.Items, 1, MaxItems),
		between("size", s.Size, 1, MaxSize),
		s.checkMemory(),
	)
}

// checkMemory says that what is published does not fit.
func (s *Scenario) checkMemory() error {
	if s.isLarge() && s.Size > MaxBytes/s.Items {
		return fmt.Errorf("--size %d: %d of them are more than %d bytes to remember; take fewer or smaller ones", s.Size, s.Items, MaxBytes)
	}
	return nil
}

// checkPublishers says that there are not enough for what is to happen to them.
func (s *Scenario) checkPublishers() error {
	switch n := s.publishers(); {
	case s.KillPublishers < 0:
		return fmt.Errorf("--kill-publishers %d: it is not below 0", s.KillPublishers)
	case s.KillPublishers >= n && s.KillPublishers > 0:
		return fmt.Errorf("--kill-publishers %d: of %d publishers; somebody must go on, so take more --publishers", s.KillPublishers, n)
	case s.Split && n < 2:
		return fmt.Errorf("--split: there is 1 publisher, who cannot be in both parts; take more --publishers")
	case s.Split && s.Partition == 0:
		return errors.New("--split: of what? Give the share that is cut off by --partition")
	}
	return nil
}

// between says that a whole number is out of its bounds.
func between(flag string, v, low, high int) error {
	if v < low || v > high {
		return fmt.Errorf("--%s %d: a number from %d to %d is possible", flag, v, low, high)
	}
	return nil
}

func (s *Scenario) checkTimes() error {
	publishing := time.Duration(math.Min(float64(s.Items)/s.Rate, 1e9) * float64(time.Second))
	if publishing > MaxSpan {
		return fmt.Errorf("--items %d at --rate %v: that takes %v, more than %v; take fewer or a higher rate", s.Items, s.Rate, publishing, MaxSpan)
	}
	for _, d := range []struct {
		flag       string
		value, low time.Duration
	}{
		{"warmup", s.Warmup, MinWarmup}, {"deadline", s.Deadline, 0}, {"drain", s.Drain, 0}, {"processing", s.Processing, math.MinInt64},
		{"churn", s.Churn, 0}, {"partition-for", s.PartitionFor, 0},
	} {
		if d.value < d.low || d.value > MaxSpan {
			return fmt.Errorf("--%s %v: a duration from %v to %v is possible", d.flag, d.value, max(0, d.low), MaxSpan)
		}
	}
	if s.Churn > 0 && s.Churn < MinChurn {
		return fmt.Errorf("--churn %v: a mean lifetime of at least %v is possible, or 0 for no churn", s.Churn, MinChurn)
	}
	return nil
}

func (s *Scenario) checkShares() error {
	for _, f := range []struct {
		flag  string
		share float64
	}{
		{"kill", s.Kill}, {"loss", s.Loss}, {"jitter", s.Jitter}, {"partition", s.Partition},
		{"late", s.Late}, {"adversaries", s.Adversaries},
	} {
		if !(f.share >= 0 && f.share <= 1) {
			return fmt.Errorf("--%s %s: a share from 0 to 1 is possible", f.flag, strconv.FormatFloat(f.share, 'g', -1, 64))
		}
	}
	return nil
}

func (s *Scenario) checkAttack() error {
	switch {
	case s.Attack != "":
		if err := attackProblem(s.Attack); err != nil {
			return err
		}
		if s.Adversaries == 0 {
			return fmt.Errorf("--attack %s: by how many? Give their share by --adversaries", s.Attack)
		}
	case s.Adversaries > 0:
		return fmt.Errorf("--adversaries %v: what do they do? Name it by --attack", s.Adversaries)
	}
	return nil
}

func (s *Scenario) checkOptions(o *Options) error {
	switch {
	case o.TraceItem < 0 || o.TraceItem > s.Items:
		return fmt.Errorf("--trace item %d: items are 1 to %d", o.TraceItem, s.Items)
	case o.TraceItem > 0 && o.TracePeer != "":
		return errors.New("--trace: of a peer or of an item; choose one")
	case (o.TraceItem > 0 || o.TracePeer != "") && o.Trace == nil:
		return errors.New("--trace: there is nowhere to write it to (Options.Trace)")
	}
	return nil
}
