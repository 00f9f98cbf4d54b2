package swarm

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// A request waits at this host's own uplink before anybody sees it: links take turns, so
// behind one piece for each neighbour that is being served. At 1 Mbit/s and with seven of
// them that is four seconds. Who took that for the neighbour's doing would ask even the
// fastest for one piece in four seconds.

const (
	// lineOver is over which time what was handed out is averaged, lineSince for how long a
	// neighbour counts as being served (our guesses); longestLine bounds what is believed:
	// 8 neighbours at 1 Mbit/s.
	lineOver    = 4 * time.Second
	lineSince   = 2 * time.Second
	longestLine = 4200 * time.Millisecond
)

// line is what this host sends, as far as it knows: its uplink where that is busy.
type line struct {
	rate float64 // bytes a second
	at   protocol.Time
}

// add takes in bytes that are handed out.
func (l *line) add(now protocol.Time, bytes int) {
	l.rate = l.value(now) + float64(bytes)/lineOver.Seconds()
	l.at = now
}

func (l *line) value(now protocol.Time) float64 {
	return l.rate * math.Exp(-now.Sub(l.at).Seconds()/lineOver.Seconds())
}

// ownWait is how long a request may be expected to wait at this host's uplink: a piece for
// each neighbour that is being served. Where the uplink is not busy that is too much, but
// little, for then few are served.
func (m *Machine) ownWait(now protocol.Time) time.Duration {
	serving := 0
	for _, n := range m.peers {
		if n.servedAt > 0 && now.Sub(n.servedAt) < lineSince {
			serving++
		}
	}
	rate := m.line.value(now)
	if serving == 0 || rate <= 0 {
		return 0
	}
	return time.Duration(min(float64(serving*large.DefaultSegment)/rate, longestLine.Seconds()) * float64(time.Second))
}
