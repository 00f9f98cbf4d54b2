// Package gossip spreads the items of one topic over its gossip links. It is
// Plumtree (Leitão, Pereira, Rodrigues: "Epidemic Broadcast Trees", SRDS 2007),
// written as a pure [protocol.Machine].
//
// # The idea
//
// A peer's neighbours are the members of its active view. Each link is eager or
// lazy. An item is pushed whole over eager links and only announced, by its ID,
// over lazy ones. Every link starts eager, so the first item floods the overlay.
// Where a second copy comes in, its receiver answers with a Prune and the link
// turns lazy: what stays eager is a spanning tree, and each peer receives each
// item once. Where the tree breaks, announcements arrive of items that do not
// follow; after a while their receiver answers one with a Graft, which fetches
// the item and turns that link eager: the tree is whole again.
//
//	publisher ──push──▶ A ──push──▶ B          IHave{id,size}…  "I hold these"
//	    └───────push──▶ C ╌╌IHave╌╌▶ B         Graft{id…}       "send these [and push from now on]"
//	                                           Prune{}          "only announce from now on"
//
// # Where this differs from the paper
//
// The paper's timers are constants; ours follow what was measured, because one
// constant cannot serve a LAN and an ocean (see wait.go): how long an announced
// item is waited for comes from how late pushed copies have been after first
// announcements, how long a Graft's answer is waited for from the neighbour's
// round trips. Large items are given the time that they take on the wire.
//
// The paper optimises the tree by hops; we do it by time: a lazy neighbour whose
// announcements keep coming well before the pushed copies is grafted, and the
// slower link then prunes itself by its duplicates (optimise.go).
//
// The paper assumes that messages are not lost. Here the two ends of a link come
// to agree on its state whatever is lost: an announcement says how its sender
// holds the link, and pushed copies over a link held lazy are answered (link.go).
//
// The paper has one publisher at a time in mind. With several, cutting cycles and
// grafting at once tears the shared tree apart for minutes. Here a duplicate prunes
// only in favour of a link that is eager now, and after a while drawn by lot where
// publishers cross (prune.go); and an item that is missed is first only asked for:
// the tree changes if that repeats itself (ask.go).
//
// # What it leaves to others
//
// It judges no item: what arrives goes up as Arrive, and is pushed and announced
// only once it comes back as Accepted. It holds IDs, never items: answers to a
// Graft are streamed from the store (FetchAndSend). It remembers an item for a
// short window ([Config].Cache); whatever is missed for longer, dropped because a
// bound was reached, or not served by anyone who announced it is found by
// anti-entropy (internal/antientropy), which also spreads on what itself brought.
// The neighbours are the active view's choice (gossipmembership).
//
// # Reading order
//
// message.go (what is said), machine.go (what happens on each input), arrive.go,
// ask.go and want.go (the way in), push.go, announce.go and recent.go (the way out),
// link.go, prune.go and neighbour.go (eager and lazy), wait.go and optimise.go (time).
package gossip
