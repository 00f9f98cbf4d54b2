package ways

import (
	"slices"
	"time"
)

// Bounds and times. All are our guesses.
const (
	// MaxNetworks is the number of networks remembered.
	MaxNetworks = 32
	// MaxAge is how long a network that is not used is remembered.
	MaxAge = 90 * 24 * time.Hour
	// MaxTrust is how long a way that came up is taken to work.
	MaxTrust = 7 * 24 * time.Hour
	// FirstDoubt is how long a way is doubted that was beaten once; each time more in
	// a row doubles it.
	FirstDoubt = 5 * time.Minute
	// MaxDoubt is how long it is doubted at most.
	MaxDoubt = 6 * time.Hour
	// maxSkew is by how much a time kept may be ahead of the clock. What is more ahead
	// counts for nothing as long as it is: one of the two clocks was wrong.
	maxSkew = time.Minute
	// maxTimes is where counting stops: MaxDoubt is reached before.
	maxTimes = 16
)

// ID names a network; whoever dials chooses it.
type ID [8]byte

// Standing is what is known of a way in a network.
type Standing uint8

// Standings.
const (
	Untried  Standing = iota // nothing, or nothing any more
	Works                    // it came up
	Doubtful                 // it was beaten
)

func (s Standing) String() string {
	return [...]string{"untried", "works", "doubtful"}[min(s, Doubtful)]
}

// Memory is what is known of all networks. The zero value knows nothing. It is not
// for several goroutines at once.
type Memory struct {
	networks []network // the one used last at the end
}

type network struct {
	id    ID
	used  int64 // Unix seconds, as all times here
	notes [numWays]note
}

// note is what happened to one way.
type note struct {
	worked, beaten int64 // when last; 0: never
	times          uint8 // in a row that it was beaten
}

// Standing returns what is known of a way in a network.
func (m *Memory) Standing(now time.Time, id ID, w Way) Standing {
	n := m.find(id)
	if n == nil || !w.valid() {
		return Untried
	}
	note := n.notes[w.index()]
	switch {
	case note.times > 0 && within(now, note.beaten, doubt(note.times)):
		return Doubtful
	case within(now, note.worked, MaxTrust):
		return Works
	}
	return Untried
}

// doubt is how long a way is doubted that was beaten so many times in a row.
func doubt(times uint8) time.Duration {
	d := FirstDoubt
	for ; times > 1 && d < MaxDoubt; times-- {
		d *= 2
	}
	return min(d, MaxDoubt)
}

// within reports whether at is less than d before now.
func within(now time.Time, at int64, d time.Duration) bool {
	if at == 0 {
		return false
	}
	age := now.Sub(time.Unix(at, 0))
	return age < d && age > -maxSkew
}

// Won takes in that a dial by a plan came up by a way: what the plan had start
// earlier was beaten. It reports whether that changes how the next is planned.
func (m *Memory) Won(now time.Time, id ID, p Plan, winner Way) bool {
	if !winner.valid() {
		return false
	}
	before := m.standings(now, id)
	n := m.use(now, id)
	n.notes[winner.index()] = note{worked: now.Unix()}
	for _, w := range p.beatenBy(winner) {
		note := &n.notes[w.index()]
		note.worked, note.beaten = 0, now.Unix()
		note.times = min(note.times+1, maxTimes)
	}
	return before != m.standings(now, id)
}

// standings are those of all ways.
func (m *Memory) standings(now time.Time, id ID) (all [numWays]Standing) {
	for i := range all {
		all[i] = m.Standing(now, id, wayOf(i))
	}
	return all
}

// Known returns the ways of a network that work and those in doubt, the best first.
func (m *Memory) Known(now time.Time, id ID) (works, doubtful []Way) {
	for i := range numWays {
		w := wayOf(i)
		switch m.Standing(now, id, w) {
		case Works:
			works = append(works, w)
		case Doubtful:
			doubtful = append(doubtful, w)
		}
	}
	byRank := func(a, b Way) int { return a.rank() - b.rank() }
	slices.SortFunc(works, byRank)
	slices.SortFunc(doubtful, byRank)
	return works, doubtful
}

func (m *Memory) find(id ID) *network {
	for i := range m.networks {
		if m.networks[i].id == id {
			return &m.networks[i]
		}
	}
	return nil
}

// use returns a network's notes, made now if there are none, as those used last. What
// is old, or too much, is forgotten.
func (m *Memory) use(now time.Time, id ID) *network {
	n := network{id: id}
	m.networks = slices.DeleteFunc(m.networks, func(old network) bool {
		if old.id == id {
			n = old
			return true
		}
		return old.expired(now)
	})
	if over := len(m.networks) + 1 - MaxNetworks; over > 0 {
		m.networks = slices.Delete(m.networks, 0, over)
	}
	n.used = now.Unix()
	m.networks = append(m.networks, n)
	return &m.networks[len(m.networks)-1]
}

// expired reports whether a network was not used for too long. One used in the future
// is kept: some machines start with a clock that is years behind.
func (n *network) expired(now time.Time) bool { return now.Sub(time.Unix(n.used, 0)) >= MaxAge }

// Networks returns how many networks are remembered.
func (m *Memory) Networks() int { return len(m.networks) }

// valid reports whether it is one of the ways there are.
func (w Way) valid() bool { return w.Kind < numKinds }
