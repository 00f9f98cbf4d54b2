// Command optimum says how well a tree could do on the network of an experiment: it
// searches centrally, with the whole matrix before it, for the tree that the peers of
// quilt-peer simulate look for with what they can measure. Package sim/optimum says
// how. It prints a JSON object a publisher, one a line.
//
//	go run ./internal/optimum -topology DIR -publishers 9
//	go run ./internal/optimum -topology grid5000 -multicast -steps 0 -samples 0
//	go run ./internal/optimum -topology DIR -size 100000 -degree 50 -samples 0 -steps 100000
//
//	quilt-peer simulate --topology DIR --seeds 9 --json > a.json
//	go run ./internal/optimum -topology DIR -result a.json
//
//	go run ./internal/optimum -topology DIR -peers omni -seeds 9
//
// With -peers it runs the experiment first, with the peers of that protocol. The search
// then has their bounds of degree, and begins with their tree too; each line says how far
// they were from the best, and what moves of one kind alone would make of their tree.
//
// With -result seeds and publishers are those of the results, so that the search is
// on the very same instances, and each line has the mean latency that was measured
// and its ratio to the best tree's. -size and -processing must be given as in the
// experiment, for a result does not tell them.
//
// Exit codes: 0 done, 1 no tree was found, 2 the flags or files make no sense.
package main
