// Package tidy holds the rules of this repository that a compiler does not know,
// and a test that fails where one is broken:
//
//   - imports run downwards only, by the table in layers.go;
//   - a pure package (layers.go says which are) has no goroutine, channel, lock,
//     clock, socket, file, logger or source of randomness of its own: what it may
//     not import or call is listed in pure.go;
//   - in a pure package no map is ranged over, since the order would differ from
//     run to run. Where it provably reaches neither state nor output, the line, or
//     the one above, says so: //tidy:orderless and the reason;
//   - every package has a package comment, and no file more than [MaxLines] lines;
//   - no text names what only one machine has.
//
// The purity of a package is not a matter of taste: the simulator runs the code
// that ships, and replays a failure from its seed, only as long as it holds.
//
// Tests are exempt from the first three rules, generated code from those of purity
// and length. The rules themselves are tested on small bad packages in testdata: a
// comment, "want" and a regular expression, stands on every line there that must be
// caught, and no other line may be.
package tidy
