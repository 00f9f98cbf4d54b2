package main

import (
	"fmt"

	"github.com/quilt-p2p/quilt/internal/control"
)

// roleText is what a role means.
var roleText = map[string]string{
	control.RolePublic: "public: others can call it",
	control.RoleLeaf:   "leaf: nobody can call it unasked",
}

// traversal prints how the peer stands to those that cannot call it.
func (p *printer) traversal(t *control.TraversalInfo) {
	role := roleText[t.Role]
	if role == "" {
		role = "not known yet"
	}
	p.f("  role     %s\n", role)
	for i, r := range t.Relays {
		p.f("  %-8s by %s%s\n", label(i, "relays"), clean(r.ID), yes(!r.Since.IsZero(), " since "+when(r.Since)))
	}
	if s := t.Service; s != nil {
		p.f("  relaying %s given, %s, %s passed on\n", count(int(s.Places), "place", "places"),
			count(int(s.Circuits), "connection", "connections"), size(s.Bytes))
	}
	if q := t.Punches; q.Tried+q.Reversed > 0 {
		p.f("  punches  %d tried, %d succeeded, %d failed%s\n", q.Tried, q.Succeeded, q.Failed,
			yes(q.Reversed > 0, fmt.Sprintf("; %s the called side got through by itself", count(q.Reversed, "time", "times"))))
	}
	if t.RelayedBytes > 0 {
		p.f("  relayed  %s sent through relays, %s of it entries\n", size(t.RelayedBytes), size(t.RelayedPayload))
	}
}
