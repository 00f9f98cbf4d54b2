// Package protocol is the ground floor of Quilt: the vocabulary in which every
// multicast protocol, and the core that composes them, is written. It imports
// nothing of the project.
//
// # A protocol is a state machine without I/O
//
// A [Machine] owns no goroutine, lock, socket, clock, logger or source of
// randomness. What happens to it arrives as an [Input] together with the time
// now; what it wants done it appends to an [Outbox] as plain data, in order;
// when it next wants to be woken it says by [Machine.Deadline]. One goroutine
// drives it. So the simulator runs exactly the code that ships, a failure
// replays from its seed, and a test compares values.
//
// The loop of a driver is short:
//
//	m.Handle(now, protocol.Start{}, &out)
//	for {
//		perform(out.Take())
//		select {
//		case in := <-inputs:
//			m.Handle(clock(), in, &out)
//		case <-wake(m.Deadline()):
//			m.Advance(clock(), &out)
//		}
//	}
//
// # How an item passes through
//
// An [Item] is one published message, immutable, named by the hash of what its
// author signed. A machine that receives one does not judge it: it hands it up
// by [Arrive]. The container around the machines filters duplicates, has the
// signature checked ([Verify]) and the item stored ([Store]), and only then
// gives it, as [Accepted], to every machine of the topic, among them the one it
// came by. Nothing unverified is forwarded, stored or delivered.
//
// # Addresses of messages
//
// A [Message] travels in a frame ([AppendFrame]) that names the topic and the
// object, the protocol instance in that topic, it is meant for. The zero
// [TopicID] addresses the host itself. A machine needs to know neither its
// topic nor its object number: whoever drives it adds them ([Outbox.Scope]).
package protocol
