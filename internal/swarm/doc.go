// Package swarm fetches what manifests describe (package large) from several
// neighbours at once, and serves it. It is a pure machine ([Machine]), one a topic,
// under the number protocol.ObjectLarge: whatever protocol carried the manifest, pieces
// travel over the links of the topic's active view, so also to peers that nobody can
// call. Links through a relay carry none.
//
// # A transfer
//
// A manifest that is accepted waits for one of [MaxFetching] places, then the driver
// is asked for room ([Open]) and says what there is already, from an earlier run
// ([Opened]). From then on both sides tell each other what they have ([Have]: all, a
// map, or what is new, gathered for 50 ms), the one that lacks pieces asks ([Want]) and
// is sent them ([Piece]); whoever cannot send says so ([Sorry]).
//
//	manifest accepted ── waiting ── Open ── Opened ── fetching ── Done
//	                                  └── no room: again in a minute
//
// A piece is checked against its hash as soon as it comes; only a genuine one is stored
// ([StorePiece]), and only a stored one is told of and served ([FetchPieces], streamed
// by the driver behind everything more urgent on that link). Who sends a forged piece
// proves what it is: it is charged and not asked again.
//
// # What is asked of whom
//
// Of the pieces a neighbour has, the one that fewest neighbours have (rarest first),
// among equals one by chance; index pieces before all others. How much may be asked of
// a neighbour at a time follows how long its answers take, less what the request waits for
// at this host's own uplink (line.go): the aim is that half a second's work waits there, so
// that a fast uplink is kept busy, and a slow one does not hold what others could send
// sooner. A neighbour that does not answer gets less to do, then none for half a minute.
// When nothing is left to ask for, what is late is asked of a second neighbour. Who was
// asked and has sent nothing for long is served when nobody else is (serve.go).
//
// # The first copy
//
// A peer that has everything while its neighbours have little shows each of them only
// pieces that it has not shown to another, a few at a time (seed.go): so its uplink
// carries each piece once, and they get the rest from each other. It shows everything
// when each piece has left once, or somebody else has all.
//
// Reading order: machine.go, transfer.go, fetch.go, piece.go, line.go, tell.go, serve.go,
// seed.go.
package swarm
