// Package control is how commands talk to the daemon: HTTP with JSON bodies over
// a unix socket that only its owner may open.
//
// [Daemon] is what a daemon can be asked; [Server] puts it on a socket
// ([Listen]); [Client] asks it from another process. Client has the methods of
// Daemon with the same structs, so a command cannot tell whether it talks to a
// daemon in its own process or through the socket.
//
// # On the wire
//
// A request is a POST (or GET where nothing is sent) to one of the paths in
// routes.go with one JSON object; the reply is one JSON object. Streams
// (entries of a topic, notices of the daemon) are NDJSON: one object a line,
// flushed line by line, the headers at once, so that whoever reads them knows
// that from here on nothing is missed. The server writes an empty line every
// [KeepAlive] where nothing else moves. A stream that breaks off ends with a
// line {"type":"error", …}; one that ends otherwise was complete.
//
// An error is {"error": …, "hint": …, "code": …}: what happened, what to do
// next, and one of the codes of errors.go, which stay as they are.
//
// Try it by hand, with the home that `quilt-peer status` shows:
//
//	curl --unix-socket HOME/control.sock http://quilt/v1/status
//
// # Where the socket is
//
// Commands find it as control.sock in the daemon's home. Where the daemon's
// environment names a directory for sockets (XDG_RUNTIME_DIR) it is there, and
// control.sock is a symbolic link to it: so a command finds it whatever its own
// environment says (cron, ssh, sudo). A file lock in the home, not the socket,
// decides whether a daemon is running, so two that start at once cannot both win.
package control
