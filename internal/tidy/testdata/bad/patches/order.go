// Package patches ranges over maps.
package patches

import (
	"maps"
	"reflect"
	"slices"
)

type table map[string]int

func keys[M ~map[string]int](m M, t table) (out []string) {
	for k := range t { // want `ranges over a map`
		out = append(out, k)
	}
	for k := range m { // want `ranges over a map`
		out = append(out, k)
	}
	for k := range maps.Keys(t) { // want `maps.Keys without slices.Sorted`
		out = append(out, k)
	}
	out = slices.AppendSeq(out, maps.Keys(m)) // want `maps.Keys without slices.Sorted`
	out = append(out, slices.Sorted(maps.Keys(t))...)
	_ = reflect.ValueOf(t).MapKeys() // want `reflect's MapKeys`
	return out
}

func sum(t table) (n int) {
	for _, v := range t { //tidy:orderless a sum is the same in any order
		n += v
	}
	//tidy:orderless a sum is the same in any order
	for _, v := range t {
		n += v
	}
	//tidy:orderless
	for _, v := range t { // want-above `gives no reason`
		n += v
	}
	//tidy:orderless nothing here ranges over a map
	for _, v := range []int{n} { // want-above `excuses nothing`
		n += v
	}
	return n
}

var (
	_ = keys[table]
	_ = sum
)
