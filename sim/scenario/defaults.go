package scenario

import "time"

// WithDefaults returns the scenario with every field that is zero, and has a
// default, set to it.
func (s Scenario) WithDefaults() Scenario {
	def(&s.Protocol, Gossip)
	def(&s.Seed, 1)
	if len(s.Publishers) > 0 {
		s.Draw = 0
	} else {
		def(&s.Draw, 1)
	}
	def(&s.Rate, 10)
	def(&s.Items, 100)
	def(&s.Size, 1024)
	def(&s.Warmup, time.Minute)
	def(&s.Drain, time.Minute)
	def(&s.Processing, 200*time.Microsecond)
	def(&s.KillMode, KillSilent)
	def(&s.PartitionFor, 30*time.Second)
	return s
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// The built-in protocols, and the values of Scenario.KillMode.
const (
	Gossip     = "gossip"
	Omni       = "omni"
	KillSilent = "silent"
	KillReset  = "reset"
)

// publishers is how many publish.
func (s *Scenario) publishers() int {
	if len(s.Publishers) > 0 {
		return len(s.Publishers)
	}
	return s.Draw
}

// interval is the time between two items.
func (s *Scenario) interval() time.Duration {
	return time.Duration(float64(time.Second) / s.Rate)
}

// itemAt is when item i, from 0, is published.
func (s *Scenario) itemAt(i int) time.Duration {
	return s.Warmup + time.Duration(float64(i)*float64(time.Second)/s.Rate)
}

// halfPast is half an interval after a share of the items, 1/n of them or one more
// where that is no whole number: never before the first.
func (s *Scenario) halfPast(n int) time.Duration {
	return s.itemAt((s.Items+n-1)/n) - s.interval()/2
}
