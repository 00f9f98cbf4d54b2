package topology

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// choices is how the built-in topologies are named.
const choices = "grid5000, lognormal:N, king:N, provider:N or providermix:N (N hosts, 2 to 100000), or lan:N (2 to 65000)"

// Named makes a built-in topology: "grid5000", "lognormal:N", "king:N", "provider:N" or
// "providermix:N" with N hosts, 2 to [MaxHosts], or "lan:N", one switch with 2 to [MaxLAN]. The same spec and the same state of rng make the same
// topology; grid5000 draws nothing. An unknown name is an [ErrUnknownName], and
// every error names the choices.
func Named(spec string, rng *rand.Rand) (*Topology, error) {
	name, number, numbered := strings.Cut(spec, ":")
	switch {
	case name == "grid5000" && !numbered:
		return grid5000(), nil
	case name == "grid5000":
		return nil, fmt.Errorf("topology %q: grid5000 has 1528 hosts and takes no number; choose %s", spec, choices)
	case name != "lognormal" && name != "king" && name != "lan" && name != "provider" && name != "providermix":
		return nil, fmt.Errorf("%w %q: choose %s, or a directory with a topology.json", ErrUnknownName, spec, choices)
	case !numbered:
		return nil, fmt.Errorf("topology %q: how many hosts? Choose %s", spec, choices)
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || n < 2 || n > MaxHosts || name == "lan" && n > MaxLAN {
		return nil, fmt.Errorf("topology %q: %q is not a number of hosts; choose %s", spec, number, choices)
	}
	switch name {
	case "king":
		return king(spec, int(n), rng), nil
	case "lan":
		return lan(spec, int(n)), nil
	case "provider", "providermix":
		return provider(spec, int(n), name == "providermix", rng), nil
	}
	return lognormal(spec, int(n), rng), nil
}
