package topology

import (
	"fmt"
	"net/netip"
)

// gridSite is one site of Grid'5000.
type gridSite struct {
	name     string
	clusters []gridCluster
	// rtt is the round trip in ms to each site above it in the table.
	rtt []float32
}

type gridCluster struct {
	name  string
	hosts int
}

// gridSites is Grid'5000 in 2011. Clusters and numbers of hosts are those of
// SimGrid's platform file; round trips are estimates from the length of fibre between
// the sites (one-way 0.8 to 10 ms, mean 5.7).
var gridSites = []gridSite{
	{"bordeaux", []gridCluster{{"bordeplage", 51}, {"bordereau", 93}, {"borderline", 10}},
		nil},
	{"grenoble", []gridCluster{{"adonis", 12}, {"edel", 72}, {"genepi", 34}},
		[]float32{8.350}},
	{"lille", []gridCluster{{"chicon", 26}, {"chimint", 20}, {"chinqchint", 46}, {"chirloute", 8}},
		[]float32{16.064, 10.942}},
	{"lyon", []gridCluster{{"capricorne", 56}, {"sagittaire", 79}},
		[]float32{6.736, 1.614, 9.328}},
	{"nancy", []gridCluster{{"graphene", 144}, {"griffon", 92}},
		[]float32{17.230, 12.108, 7.674, 10.494}},
	{"orsay", []gridCluster{{"gdx", 310}, {"netgdx", 30}},
		[]float32{13.332, 8.210, 3.776, 6.596, 4.942}},
	{"rennes", []gridCluster{{"paradent", 64}, {"paramount", 33}, {"parapide", 25}, {"parapluie", 40}},
		[]float32{17.632, 12.510, 8.076, 10.896, 9.242, 5.344}},
	{"sophia", []gridCluster{{"helios", 56}, {"sol", 50}, {"suno", 45}},
		[]float32{13.408, 8.286, 16.000, 6.672, 17.166, 13.268, 17.568}},
	{"toulouse", []gridCluster{{"pastel", 80}, {"violette", 52}},
		[]float32{16.082, 10.960, 18.674, 9.346, 19.840, 15.942, 20.242, 7.290}},
}

const (
	gridHosts           = 1528
	gridSameClusterMS   = 0.2
	gridSameLocationMS  = 1.0
	gridMbps            = 1000
	gridClusters        = 25
	gridHostsPerNetwork = 254 // of a /24
)

// grid5000 makes the topology of that name: a /16 for each site, a /24 for each
// cluster (two for gdx, which does not fit into one), no NAT, IP multicast within a
// site.
func grid5000() *Topology {
	hosts := make([]Host, 0, gridHosts)
	s := &located{ms: newTriangle(len(gridSites)), sameCluster: gridSameClusterMS, sameLocation: gridSameLocationMS}
	cluster := 0
	for site, g := range gridSites {
		for other, ms := range g.rtt {
			*s.ms.at(site, other) = ms
		}
		for _, c := range g.clusters {
			hops := []string{c.name + "-sw", g.name + "-gw", g.name + "-renater"}
			for i := range c.hosts {
				hosts = append(hosts, Host{
					Name: fmt.Sprintf("%s-%d", c.name, i+1), Cluster: c.name, Location: site,
					Addr: gridAddr(site, cluster, i), Resolver: "dns." + g.name, Hops: hops,
					Multicast: g.name, Up: gridMbps, Down: gridMbps,
				})
				s.hosts = append(s.hosts, place{location: int32(site), cluster: int32(cluster)})
			}
			cluster++
		}
	}
	return newTopology("grid5000", hosts, s)
}

func gridAddr(site, cluster, host int) netip.Addr {
	network := cluster + gridClusters*(host/gridHostsPerNetwork)
	return netip.AddrFrom4([4]byte{193, byte(51 + site), byte(network), byte(host%gridHostsPerNetwork + 1)})
}
