// Package optimum says how well a tree could do on a network: centralised searches,
// with the whole matrix before them, for what peers look for with what they can
// measure. It is a test tool: no peer runs it. internal/optimum is its command.
//
// An [Instance] is a root (the publisher), the delay of each hop and how many children
// each host may have. The aim is OMNI's (Banerjee et al., INFOCOM 2003): least mean
// latency under those bounds, which is NP-hard. [Greedy] is the start of the paper,
// [Tree.FiveMoves] its local transformations, [Tree.SampledReparents] what they lack,
// [Tree.Anneal] its probabilistic step carried on for long. All are deterministic. [Given]
// is a tree that peers have made, for a search to go on from.
//
// # What a hop takes
//
// Half the round trip, one serialisation of the frame at the sender's uplink, one
// processing; the direct send of stretch_mean is such a hop too. With Config.InTurn a
// host's copies leave one after another and pass the receiver's downlink, so that a
// tree has the latencies that the simulator would give it. Hosts have a link where the NATs let
// either dial the other, or a punch works; a punch's rendezvous is taken for granted.
//
// # What it comes to
//
// stretch_mean on internet951, 951 synthetic hosts, 1 KiB, 0.2 ms of processing; median
// and worst of 36 drawn publishers, annealing with [Steps], 600 samples:
//
//	                                     alone          in turn
//	start of the paper                   0.985  1.170   1.026  1.200
//	five moves from a random start       1.133  1.334   1.178  1.533
//	and 600 sampled reparents a host     0.997  1.156   1.021  1.218
//	annealed                             0.880  0.982   0.908  1.032
//	floor, which none can beat           0.766  0.893   0.768  0.893
//
// Earlier figures, of 12 publishers: 1.16 and 1.40 by the five moves, 1.01 and 1.27 with
// samples, 0.96 and 1.23 annealed. How they bounded degrees, and whether they counted
// serialisation, was not recorded. [UplinkDegree], counted alone, comes nearest of
// some 30 rules: medians of 1.17, 1.01 and 0.96 over 48 publishers, after a million
// steps from hot alone; the second, warm half of [Tree.Anneal] and more steps are what
// goes below that. Others, over 12 publishers: 4 children each 1.44, 1.18, 1.01; 6 each
// 1.18, 0.99, 0.92; one for every 5 Mbit/s up to 8 1.37, 1.12, 1.02; one for each
// Mbit/s up to 16 1.06, 0.97, 0.89. Not found again is the worst annealed one, 1.23:
// which publishers those were is not recorded, and only rules that leave hosts of 5 Mbit/s two
// children, and as few as 200,000 steps, gave 1.15 to 1.29 for the worst of 12.
//
// With the bounds of degree that OMNI's peers have there, half of the uplink at the rate of
// the items and 128 at most, in turn, of nine publishers: annealed 0.881 and 0.943, the
// peers' own trees a mean latency 1.140 and 1.220 times that (internal/optimum -peers).
//
// On grid5000, where [Multicast] applies, a publisher of each of the 25 clusters:
// 1.077, worst 1.110, with 17 transmissions an item; earlier figures are 1.085 and 1.12.
// A tree of single links, at most 8 children each, comes to 1.212 and 1.314.
//
// # The bound for large items
//
// Where the copies of an item take long at the uplinks (100 KB: 0.8 s at 1 Mbit/s)
// [FastestNext] with the true bandwidths (Config.InTurn), any number of children, and
// annealing after it, is the bound that a protocol is measured against. Each host has
// the item whole before it sends any of it, and items do not meet: there is one every
// few seconds. It is a heuristic, no lower bound:
// [Instance.Floor] is one, which no tree can beat. On internet951, 100,000 bytes:
//
//	                                     8 children     50 children
//	start of the paper                   2.159  3.027   1.663  2.568
//	fastest-next                         1.401  1.666   1.294  1.520
//	annealed a little (100,000 steps)    1.372  1.633   1.271  1.492
//	floor                                1.025  1.117   1.025  1.117
//
// (stretch_mean, median and worst of 12 publishers. Annealing with [Steps] gains another
// 0.5% on six of them.)
//
// Read instance.go first, then tree.go, moves.go and five.go; every search is a file.
package optimum
