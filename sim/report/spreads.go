package report

import (
	"strings"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// spread are the fields of a distribution in milliseconds.
func spread(key, name string, better Direction, means string, get func(*scenario.Result) *scenario.Spread) []Field {
	return parts(key, name, "ms", better, means, []part[scenario.Spread]{
		{"mean", "mean", func(s *scenario.Spread) float64 { return s.Mean }},
		{"p50", "median", func(s *scenario.Spread) float64 { return s.P50 }},
		{"p90", "90%", func(s *scenario.Spread) float64 { return s.P90 }},
		{"p99", "99%", func(s *scenario.Spread) float64 { return s.P99 }},
		{"max", "greatest", func(s *scenario.Spread) float64 { return s.Max }},
	}, get)
}

// tail are the fields of the upper end of one.
func tail(key, name, unit, means string, get func(*scenario.Result) *scenario.Tail) []Field {
	return parts(key, name, unit, Lower, means, []part[scenario.Tail]{
		{"p50", "median", func(t *scenario.Tail) float64 { return t.P50 }},
		{"p99", "99%", func(t *scenario.Tail) float64 { return t.P99 }},
		{"max", "greatest", func(t *scenario.Tail) float64 { return t.Max }},
	}, get)
}

// part is one figure of an object.
type part[T any] struct {
	key, name string
	get       func(*T) float64
}

// parts are the fields of an object that may be nil.
func parts[T any](key, name, unit string, better Direction, means string, list []part[T], get func(*scenario.Result) *T) []Field {
	fields := make([]Field, len(list))
	for i, p := range list {
		fields[i] = optional(key+"."+p.key, name+", "+p.name, unit, better, means, func(r *scenario.Result) *float64 {
			object := get(r)
			if object == nil {
				return nil
			}
			v := p.get(object)
			return &v
		})
	}
	return fields
}

// group is the key of the object that a key is part of.
func group(key string) string {
	before, _, _ := strings.Cut(key, ".")
	return before
}
