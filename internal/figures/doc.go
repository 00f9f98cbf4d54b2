// Command figures runs the short experiments of figures.txt in the simulator and
// prints each figure beside the recorded one. One that has drifted by more than its
// margin fails the run: the simulator is deterministic, so it was a change of the
// code that moved it, and whoever made the change says in a commit of its own that
// it was meant (-record).
//
//	go build -o /tmp/quilt-peer ./cmd/quilt-peer
//	go run ./internal/figures -peer /tmp/quilt-peer [-record] [internal/figures/figures.txt]
//
// Exit codes: 0 as recorded, 1 drifted, 2 it could not be run.
package main
