package scenario

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxItem bounds Scenario.Size of what travels as one item: an item's other fields take
// less than what is left of protocol.MaxItemSize. What is larger is published as a
// manifest and pieces.
const MaxItem = protocol.MaxItemSize - 512

// MaxSize bounds Scenario.Size: it is in memory once. MaxBytes bounds it times
// Scenario.Items, where it is above MaxItem.
const (
	MaxSize  = 1 << 30
	MaxBytes = 4 << 30
)

// units are what may follow a size; the longest first.
var units = []struct {
	name  string
	bytes int
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

// parseSize reads a number of bytes, as 1024, 64KiB or 100MB.
func parseSize(v string) (int, error) {
	number, unit := v, 1
	for _, u := range units {
		if n, ok := strings.CutSuffix(v, u.name); ok {
			number, unit = n, u.bytes
			break
		}
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n > 1<<40/unit {
		return 0, errors.New("a number of bytes is possible, as 1024, 64KiB or 100MB")
	}
	return n * unit, nil
}

// isLarge reports whether items are published as manifests and pieces.
func (s *Scenario) isLarge() bool { return s.Size > MaxItem }

// content is the data of what is larger than an item, such as no two pieces have.
func content(i, size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16), 'l'}).Read(data)
	return data
}
