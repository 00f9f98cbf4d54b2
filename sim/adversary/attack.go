package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// Attack is one way to do harm.
type Attack struct {
	// Name is how flags and reports call it.
	Name string
	// Doc says in a sentence what such a peer does.
	Doc string
	// Identities is how many hosts run at each place that an adversary has: 1, more
	// where it claims to be many.
	Identities int

	conduct func(*machine) conduct
}

// attacks are all there are, in the order of their names.
var attacks = []Attack{
	{"advertise", "says in buffer maps that it has what nobody has, and serves nothing", 1, newAdvertise},
	{"drop", "forwards, but half of all copies of items silently get lost", 1, newDrop},
	{"eclipse", "wants all links of the publishers, and names nobody but its fellows", 1, newEclipse},
	{"flood", "sends garbage of every kind over all its links, and opens more", 1, newFlood},
	{"forge", "forwards altered, invented and old items instead of the real ones", 1, newForge},
	{"freeride", "takes every item and sends none", 1, newFreeride},
	{"liar", "says that it is where another is, and can do everything", 1, newLiar},
	{"silent", "takes part in membership and does nothing for items", 1, newSilent},
	{"sybil", "is many hosts at one place, wants everybody's links, and does nothing for items", sybilIdentities, newSybil},
	{"withhold", "announces every item and never sends one", 1, newWithhold},
	{"withhold-author", "announces and never sends the items of one author, the first publisher, and serves all others", 1, newWithholdAuthor},
}

// Names returns the names of all attacks, sorted.
func Names() []string {
	names := make([]string, len(attacks))
	for i, a := range attacks {
		names[i] = a.Name
	}
	return names
}

// Named returns the attack with a name. The error for any other name lists those
// there are.
func Named(name string) (Attack, error) {
	i := slices.IndexFunc(attacks, func(a Attack) bool { return a.Name == name })
	if i < 0 {
		return Attack{}, fmt.Errorf("unknown attack %q: choose from %s", name, strings.Join(Names(), ", "))
	}
	return attacks[i], nil
}

// Wrap returns what makes one attacker out of an honest core, for sim's AddAt; rng
// is the attacker's own. All attackers of a run share the plot.
func (a Attack) Wrap(plot *Plot) func(honest *core.Host, rng *rand.Rand) protocol.Machine {
	return func(honest *core.Host, rng *rand.Rand) protocol.Machine {
		m := &machine{honest: honest, rng: rng, plot: plot}
		m.how = a.conduct(m)
		return m
	}
}
