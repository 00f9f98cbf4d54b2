package core

import "testing"

func TestCountsBroken(t *testing.T) {
	full := Counts{Links: MaxLinks, Inbound: MaxInboundLinks, Dials: MaxDials + MaxDialQueue,
		Pending: 2 * MaxPending, PendingBytes: MaxPendingBytes}
	if broken := full.Broken(2); broken != "" {
		t.Errorf("full tables are broken: %s", broken)
	}
	for name, more := range map[string]func(*Counts){
		"Links":        func(c *Counts) { c.Links++ },
		"Inbound":      func(c *Counts) { c.Inbound++ },
		"Dials":        func(c *Counts) { c.Dials++ },
		"Pending":      func(c *Counts) { c.Pending++ },
		"PendingBytes": func(c *Counts) { c.PendingBytes++ },
		"Effects":      func(c *Counts) { c.Effects++ },
	} {
		c := full
		more(&c)
		if c.Broken(2) == "" {
			t.Errorf("one more of %s is not broken", name)
		}
	}
}
