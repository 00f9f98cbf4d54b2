package core

// Counts is how full the bounded tables of a host are: cheap enough to look at after
// every event.
type Counts struct {
	// Links are at most MaxLinks, Inbound among them at most MaxInboundLinks.
	Links, Inbound int
	// Dials are under way, at most MaxDials, or wait, at most MaxDialQueue more.
	Dials int
	// Pending items are between arrival and disk, at most MaxPending a topic;
	// PendingBytes is their length, at most MaxPendingBytes.
	Pending, PendingBytes int
	// Effects are what parts wrote and the host has not looked through: none between
	// two calls.
	Effects int
}

// Counts returns the present counts.
func (h *Host) Counts() Counts {
	return Counts{
		Links: len(h.links.order), Inbound: h.links.inbound(), Dials: len(h.dials.list),
		Pending: len(h.pending), PendingBytes: h.loads.bytes, Effects: len(h.jobs) + h.tmp.Len(),
	}
}

// Broken says which count is out of its bounds for a host that takes part in a number
// of topics, "" for none.
func (c Counts) Broken(topics int) string {
	switch {
	case c.Links > MaxLinks:
		return "more links than MaxLinks"
	case c.Inbound > MaxInboundLinks:
		return "more links that others have dialled than MaxInboundLinks"
	case c.Dials > MaxDials+MaxDialQueue:
		return "more dials than MaxDials and MaxDialQueue"
	case c.Pending > topics*MaxPending:
		return "more items between arrival and disk than MaxPending"
	case c.PendingBytes > MaxPendingBytes:
		return "more bytes between arrival and disk than MaxPendingBytes"
	case c.Effects > 0:
		return "effects that were not looked through"
	}
	return ""
}
