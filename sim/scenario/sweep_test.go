package scenario

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// swept are the protocols that the sweep runs, and with how many seeds where
// QUILT_LONG is set: those with a tree have most to be wrong. QUILT_SEEDS sets another
// number for all.
var swept = []struct {
	protocol string
	long     uint64
}{{Gossip, 100}, {Omni, 1000}}

// raceEnabled is set by a build with the race detector, which takes ten times as long.
var raceEnabled bool

// sweepers is how many parts of a sweep run at a time.
const sweepers = 2

// Many seeds of churn and loss, all invariants after every event. A failure names the
// command that replays it.
func TestSweep(t *testing.T) {
	for _, p := range swept {
		seeds := uint64(12)
		if os.Getenv("QUILT_LONG") != "" && !raceEnabled {
			seeds = p.long
		}
		if n, err := strconv.ParseUint(os.Getenv("QUILT_SEEDS"), 10, 64); err == nil {
			seeds = n
		}
		for part := range uint64(sweepers) {
			t.Run(fmt.Sprintf("%s/%d", p.protocol, part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < seeds; seed += sweepers {
					_, _, err := Run(context.Background(), churning(p.protocol, seed+1), Options{Check: true})
					if err != nil && !strings.Contains(err.Error(), "nobody could join") { // all are NATed
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// churning is a small scenario in which hosts come, die and are killed, and messages
// get lost: how many, the seed says too.
func churning(protocol string, seed uint64) Scenario {
	return Scenario{Topology: fmt.Sprintf("lognormal:%d", 20+seed%17), Protocol: protocol, Seed: seed, Draw: int(1 + seed%3),
		Items: 20, Rate: 2, Warmup: 12 * time.Second, Drain: 10 * time.Second, Churn: 30 * time.Second, Loss: 0.02 * float64(seed%4),
		Kill: 0.2 * float64(seed%3), Jitter: 0.1, Late: 0.1}
}
