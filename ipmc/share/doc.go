// Package share decides which topics share a multicast group. Switches and network
// cards have room for few groups, then they flood all; kernels and administrators set
// limits too. So a host joins a bounded number of groups, and where it takes part in
// more topics some of them share one. What comes for a topic that a host does not have
// is then dropped by it, which is what sharing costs; so those share whose members are
// alike (Vigfusson et al., Dr. Multicast, EuroSys 2010).
//
// Dr. Multicast has a leader that knows all members of all groups. Here there is none:
// as long as nobody on a LAN has more topics than groups nothing is said at all. A host
// that has says so, to a group of its own, by a [Roster]: which groups it wants, and how
// many it may join. Whoever hears one says the same of itself. [Assign] is a pure
// function of the newest roster of every host, so all come to the same result however
// rosters travelled:
//
//	A wants 1 2 3 4, may join 2        {1 2} {3 4}
//	B wants 1 2             ────▶      A hears both, B only {1 2},
//	C wants   3 4                      C only {3 4}: nobody hears too much
//
// Topics that share are sent to the lowest of their groups. Until all have heard of a
// change some listen where others do not send: what they lack is repaired as if the
// wire had lost it, or comes another way.
//
// A roster also says what its host goes by ([Basis]): who hears that somebody goes by
// something else repeats his own soon, so that a lost one is not missed for long.
//
// A roster is signed by its host, counted up, and forgotten when it is not repeated. It
// may lie: who claims many topics and room for few makes others hear more than they
// want, and nothing worse.
//
// Read roster.go (what is said), assign.go (the decision), machine.go and basis.go (when
// it is said). The machine is pure; package driver runs it.
package share
