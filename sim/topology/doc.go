// Package topology is the networks that the simulator runs on: hosts with public
// addresses, NATs, resolvers, first hops and bandwidths, and the round trip between
// any two. A [Topology] is loaded from a directory ([Load]) or built in ([Named]).
// The package does no I/O of its own: directories come as an fs.FS, randomness as a
// *rand.Rand.
//
// # Built in
//
//   - grid5000: the 9 sites, 25 clusters and 1528 hosts of Grid'5000 in 2011.
//     No NAT, IP multicast within a site. The round trips between sites are estimates
//     from lengths of fibre.
//   - lan:N: N hosts on one switch, with IP multicast.
//   - provider:N: N hosts of one provider without NAT, at up to 64 points of presence:
//     the median round trip is about 30 ms. 20 Mbit/s up for all; in providermix:N
//     bandwidths are drawn.
//   - lognormal:N: N hosts in at most 512 regions. Round trips between regions are
//     log-normal; between hosts, with their access links, the median is about 60 ms
//     and the standard deviation of the logarithm about 0.57. About 7% of triangles
//     are violated.
//   - king:N: N hosts at coordinates with heights, from a mixture fitted to
//     coordinates of the King data set; round trips are computed when asked for, so
//     that 100,000 hosts take some 25 MB. Their median is about 160 ms. No triangle
//     is violated, unlike in the Internet.
//
// The last two are synthetic, and what is measured on them must say so. Both draw
// regions, addresses, NATs, resolvers, hops and bandwidths in the shares of a
// synthetic data set of 951 hosts (population.go has its figures).
//
// # The format of a directory
//
// A directory has three files. Any may be compressed by gzip; its name then ends in
// .gz.
//
// topology.json (or topology.json.gz) is one object. All members but the last are
// required, and no others are known:
//
//	name                  what the topology is called
//	hosts                 name of the table of hosts, relative to the directory
//	rtt_ms                name of the matrix of round trips
//	same_cluster_rtt_ms   between two hosts at one location, in one cluster
//	same_location_rtt_ms  between two hosts at one location, in different clusters
//	locations             names of the locations, in the order of the matrix
//
// The table of hosts is CSV with a header; columns come in any order, and all are
// required:
//
//	host       its name, unique
//	location   its row and column of the matrix, from 0
//	cluster    the region it truly is in: for scoring, never shown to a peer
//	addr       the public address that others see; hosts may share one
//	dns        its resolver as the host sees it; may be empty
//	routers    its first hops, nearest first, separated by ";", "*" for one that
//	           stays silent; may be empty
//	nat        none, cone, symmetric or firewall: see [NAT]
//	ipmc       its IP-multicast domain; empty for none
//	up_mbps    bandwidth up, Mbit/s, above 0
//	down_mbps  bandwidth down
//
// The matrix is CSV without a header: round trips in milliseconds between locations.
// It is square and complete. Different locations are more than 0 and at most
// [MaxRTT] apart (0 marks a missing measurement in some data sets, and is refused).
// Both directions may differ by rounding, that is by 0.1 ms or 1%, whichever is
// more; their mean counts. The diagonal is not used, but must be a number.
//
// Anything else is refused with a [FormatError], which says where and what to do.
//
// Read topology.go first, then nat.go; load.go and named.go are the ways in.
package topology
