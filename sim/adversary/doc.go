// Package adversary has the attackers of the simulator. Each is a machine around an
// honest core (internal/core): it passes on to the core what happens, edits what
// the core wants done, and adds effects of its own. So an attacker speaks the
// protocol as well as an honest peer does, and lies only where its attack says.
//
//	attack, err := adversary.Named("forge")
//	plot := adversary.NewPlot(publisher.ID())
//	for range attack.Identities {
//		net.AddAt(place, attack.Wrap(plot))
//	}
//
// The attackers of a run conspire by a [Plot]: they know each other and their
// victims. All are deterministic, and what they remember and send is bounded by
// named constants.
//
// What they cannot do: forge another's signature (the simulator's verifier refuses
// every item that was not published; records of existing peers are repeated, never
// altered), shorten a round trip, read what goes over others' links. Nor do they
// send what does not decode: a driver charges that before the core sees it.
//
// Read attack.go and machine.go first; then every attack is a file of its own.
// eclipse.go and sybil.go share grab.go, flood.go has its messages in garbage.go.
package adversary
