package main

import (
	"strconv"
	"strings"
)

// byteUnits are what may follow a number of bytes; the longest first.
var byteUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseBytes reads a number of bytes above 0, as 500000, 500MB or 2GiB.
func parseBytes(v string) (int64, error) {
	number, unit := v, int64(1)
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(v, u.name); ok {
			number, unit = n, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || n > (1<<62)/unit {
		return 0, usageError("that is no number of bytes: "+strconv.Quote(v), "give one such as 500MB or 2GiB")
	}
	return n * unit, nil
}
