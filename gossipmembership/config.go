package gossipmembership

import (
	"fmt"
	"time"
)

// ViewConfig has the sizes and intervals of a View. The zero value of a field
// means its default, given behind it.
type ViewConfig struct {
	// TargetOutbound is how many neighbours are of this peer's own choice,
	// where there are that many to choose: 3, so that whoever fills all
	// inbound places has no majority of 5 (GossipSub v1.1 has Dout 2).
	TargetOutbound int
	// MinActive is below which number of neighbours, inbound and outbound, a
	// view looks for more: 5 (HyParView's active view for 10,000 peers).
	MinActive int
	// MaxInbound is how many neighbours may be of their choice: 4.
	MaxInbound int
	// MaxActive bounds all neighbours: 8.
	MaxActive int
	// Overflow is how many more places, of MaxInbound and of MaxActive, are
	// kept for newcomers that have no neighbour at all: 2 (our guess).
	Overflow int
	// MaxPassive bounds the members known and not neighbours: 30 (HyParView).
	MaxPassive int
	// MaxLost bounds the members that no longer answer and are tried again now
	// and then: 30 (our guess).
	MaxLost int
	// ShuffleSize is how many records a shuffle carries, the sender's own among
	// them: 4, at most MaxRecords. A record takes about 170 bytes.
	ShuffleSize int
	// ShuffleEvery is the interval of shuffles: 60 s. A view short of neighbours
	// begins with a twelfth; one whose shuffles bring nothing new ends at four
	// times as long.
	ShuffleEvery time.Duration
	// PresentEvery is the interval at which neighbours tell each other that
	// they are neighbours: 60 s. Three and a half of them in silence end it.
	PresentEvery time.Duration
	// RotateEvery is the interval at which one link of this peer's own choice
	// is exchanged: 90 s.
	RotateEvery time.Duration
	// RecontactEvery is the interval at which a lost member is tried again
	// with probability 3/N, N the number of members known: 30 s (ringpop).
	RecontactEvery time.Duration
}

// HostViewConfig is the configuration of the group of all hosts: smaller, for it
// carries no items and only keeps the address book moving.
func HostViewConfig() ViewConfig {
	return ViewConfig{TargetOutbound: 2, MinActive: 3, MaxInbound: 4, MaxActive: 6}
}

// withDefaults fills in what is zero and panics on what makes no sense: a
// configuration is code, not input.
func (c ViewConfig) withDefaults() ViewConfig {
	def(&c.TargetOutbound, 3)
	def(&c.MinActive, 5)
	def(&c.MaxInbound, 4)
	def(&c.MaxActive, 8)
	def(&c.Overflow, 2)
	def(&c.MaxPassive, 30)
	def(&c.MaxLost, 30)
	def(&c.ShuffleSize, 4)
	def(&c.ShuffleEvery, time.Minute)
	def(&c.PresentEvery, time.Minute)
	def(&c.RotateEvery, 90*time.Second)
	def(&c.RecontactEvery, 30*time.Second)
	switch {
	case c.TargetOutbound < 0 || c.MaxInbound < 0 || c.Overflow < 0 || c.MaxPassive < 1 || c.MaxLost < 1,
		c.MinActive > c.MaxActive, c.TargetOutbound > c.MaxActive,
		c.MaxActive+c.Overflow > maxDegree,
		c.ShuffleSize < 1 || c.ShuffleSize > MaxRecords,
		c.ShuffleEvery < 0 || c.PresentEvery < 0 || c.RotateEvery < 0 || c.RecontactEvery < 0:
		panic(fmt.Sprintf("gossipmembership: impossible configuration %+v", c))
	}
	return c
}

func def[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
