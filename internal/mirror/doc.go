// Package mirror carries a web feed into a Quilt feed: it reads an RSS, Atom or
// JSON Feed document, from an http or https address or from a file, and
// publishes each of its entries once.
//
// # How a document becomes entries
//
// A [Fetcher] gets the document's bytes: politely (conditional requests,
// Retry-After, a User-Agent that says who asks), and with a limit on everything
// a server could make large. [Parse] turns the bytes into [Item] values, oldest
// first, each with a key that names the entry wherever and whenever the document
// is read again, and a payload that is one JSON Feed 1.1 item, whatever format
// the document has. A [Mirror] polls, and hands what is new to a [Publisher],
// which remembers the keys: this package keeps nothing over a restart.
//
// # What counts as the same entry
//
// Its guid (RSS) or id (Atom, JSON Feed); without one its link; without that a
// hash of what it says. So an entry that its author edits later is not
// published again unless it has neither guid nor link.
//
// # Errors
//
// A mirror goes on through errors: it waits longer after each, shows the last in
// [Mirror.State], and takes nothing as read (by ETag or Last-Modified) before
// every entry of it has been published.
package mirror
