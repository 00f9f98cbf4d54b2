// Package bench measures what a peer costs and how fast it is: what it takes while
// nothing happens, how long an item takes from Publish to a reader, and how many
// items a second of CPU delivers, beside go-libp2p-pubsub's GossipSub on the same
// hosts. It contains benchmarks only, which nothing but `go test -bench` runs; they
// assert nothing except that everything arrived. docs/benchmarks.md says how to run
// them and what they showed.
package bench
