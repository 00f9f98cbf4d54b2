package protocol

import "net/netip"

// Machine is one peer's share of a protocol. Every call runs to completion and
// cannot fail: malformed bytes never reach it, an unreachable peer is an input,
// a broken invariant panics. Calls come from one goroutine at a time, with now
// never going backwards.
type Machine interface {
	// Handle takes in what happened at now.
	Handle(now Time, in Input, out *Outbox)
	// Advance does what was due at or before now. Call it once now >= Deadline().
	Advance(now Time, out *Outbox)
	// Deadline is when Advance wants to be called; Never while the machine waits
	// only for input. Read it again after every call.
	Deadline() Time
}

// Explainer is a machine that can say what it is doing, for `why` and `status`.
// The result is a value that encodes to JSON with stable field names, a copy.
type Explainer interface {
	Explain(now Time) any
}

// Outbox collects what machines want done, in order. The zero value is ready.
type Outbox struct {
	effects []Effect
	topic   TopicID
	object  ObjectID
}

// Scope sets the topic and object that Send, Multicast, FetchAndSend and Note
// write into what follows. Whoever drives a machine calls it, never the machine.
func (o *Outbox) Scope(topic TopicID, object ObjectID) { o.topic, o.object = topic, object }

// Send appends a Send of msg to a peer, within the current scope.
func (o *Outbox) Send(to PeerID, msg Message, class Class, expires Time) {
	o.Add(Send{To: to, Topic: o.topic, Object: o.object, Msg: msg, Class: class, Expires: expires})
}

// Multicast appends a Multicast of msg to a group, within the current scope.
func (o *Outbox) Multicast(nic NIC, group netip.AddrPort, msg Message) {
	o.Add(Multicast{NIC: nic, Group: group, Topic: o.topic, Object: o.object, Msg: msg})
}

// FetchAndSend appends a FetchAndSend of items to a peer, within the current
// scope.
func (o *Outbox) FetchAndSend(to PeerID, items []ItemID, expires Time) {
	o.Add(FetchAndSend{To: to, Topic: o.topic, Object: o.object, Items: items, Expires: expires})
}

// FetchRange appends a FetchRange of one author's items to a peer, within the
// current scope.
func (o *Outbox) FetchRange(to, author PeerID, first, last uint64, maxBytes int, expires Time) {
	o.Add(FetchRange{To: to, Topic: o.topic, Object: o.object, Author: author,
		First: first, Last: last, MaxBytes: maxBytes, Expires: expires})
}

// Health appends a Health, within the current scope.
func (o *Outbox) Health(fit bool, reason string) {
	o.Add(Health{Topic: o.topic, Object: o.object, Fit: fit, Reason: reason})
}

// Note appends an Event, within the current scope.
func (o *Outbox) Note(name string, peer PeerID, item ItemID, value int64) {
	o.Add(Event{Name: name, Topic: o.topic, Peer: peer, Item: item, Value: value})
}

// Add appends any effect.
func (o *Outbox) Add(e Effect) { o.effects = append(o.effects, e) }

// Len is the number of effects waiting.
func (o *Outbox) Len() int { return len(o.effects) }

// Take returns the waiting effects and empties the outbox. The slice is valid
// until effects are added again.
func (o *Outbox) Take() []Effect {
	e := o.effects
	o.effects = o.effects[:0]
	return e
}
