package topology

import "math/rand/v2"

// The parameters of provider:N and providermix:N, all our choice: the hosts of one
// provider, at up to 64 points of presence of one country, that reach each other without
// NAT. Between random hosts of provider:200 the round trip has a median of about 30 ms;
// the access links are those of lognormal:N.
const (
	providerPops     = 64
	providerMedianMS = 25.5
	providerInsideMS = 3
	// providerUp and providerDown are everybody's bandwidth in provider:N, in Mbit/s; in
	// providermix:N it is drawn as in the synthetic data set of 951 hosts.
	providerUp, providerDown = 20, 100
)

// provider makes the topology provider:N, or with mixed bandwidths providermix:N.
func provider(name string, n int, mixed bool, rng *rand.Rand) *Topology {
	hosts, s := drawRegional(n, distances{providerPops, providerMedianMS, providerInsideMS}, rng)
	for i := range hosts {
		hosts[i].NAT = NATNone
		if !mixed {
			hosts[i].Up, hosts[i].Down = providerUp, providerDown
		}
	}
	return newTopology(name, hosts, s)
}
