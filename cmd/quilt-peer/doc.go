// Quilt-peer is a serverless multicast peer: it publishes and follows feeds that
// nobody can take down, because there is no server to take down.
//
// "quilt-peer run" is the daemon; all other commands ask it over a unix socket
// (package internal/control), except demo, which starts several daemons, and
// those that need none (simulate, version, completion, help). Every command is one file:
// its flags and help text, then what it does, then what it prints. None of them
// knows how a peer works: that is package node's, reached through daemon.go.
//
// Two commands to a first message:
//
//	quilt-peer run                   # in one terminal
//	quilt-peer pub hello "Hi."       # in another
package main
