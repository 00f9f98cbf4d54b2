package gossipmembership

// Capabilities: bits of [Record].Caps. They persist in records: never renumber.
const (
	// CapLeaf: nobody can call the peer unasked. Who dials it does so in vain, but from
	// its own LAN, or where it is CapRelayed.
	CapLeaf uint64 = 1 << iota
	// CapRelayed: of the peer's addresses some lead through relays, by which it can be
	// asked to punch a hole, or to call back.
	CapRelayed
	// CapRelays: the peer relays for others, within limits of its own.
	CapRelays
)
