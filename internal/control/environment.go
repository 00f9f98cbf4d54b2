package control

import "time"

// EnvironmentInfo is where the peer is, as far as it knows.
type EnvironmentInfo struct {
	// Role is what follows of all of it: see [TraversalInfo].
	Role    string        `json:"role"`
	NICs    []NICInfo     `json:"nics"`
	Skipped []SkippedInfo `json:"skipped,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
}

// NICInfo is what is known of one network interface.
type NICInfo struct {
	Name string `json:"name"`
	// Detected is what was found out, with the evidence.
	Detected []EvidenceInfo `json:"detected"`
	// Published is what others are told, none for nothing yet; Encoded is that as it
	// travels, in hexadecimal digits.
	Published []Property `json:"published,omitempty"`
	Encoded   string     `json:"encoded,omitempty"`
	// Hidden is what is known and not published.
	Hidden []Property `json:"hidden,omitempty"`
}

// EvidenceInfo is one thing that was found out, or was not.
type EvidenceInfo struct {
	Of    string    `json:"of"`
	Found string    `json:"found,omitempty"`
	By    string    `json:"by,omitempty"`
	Why   string    `json:"why,omitempty"` // why nothing was, or what to make of it
	At    time.Time `json:"at,omitzero"`
}

// SkippedInfo is an interface that is not looked at.
type SkippedInfo struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Property is a name and a value, for people.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
