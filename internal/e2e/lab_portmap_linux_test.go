package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// TestLabPortMap: where the router maps ports a peer behind a NAT becomes public, says
// so, and is called; unless it was told not to ask.
func TestLabPortMap(t *testing.T) {
	l := stage(t, `
site dc1  lan  hosts=a1,a2,a3 path=edge,carrier
site dc2  lan  hosts=b1,b2    path=edge2,carrier
site home cone hosts=h1,h2    path=access portmap=yes
link default delay=20ms
`)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	first := run(t, ctx, l.Host("a1"), "")
	err := lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		c := lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}}
		if h.Name() == "h2" {
			c.Args = append(c.Args, "--no-port-mapping")
		}
		_, err := h.Start(ctx, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	awaitRoles(t, ctx, l.Hosts(), func(h *lab.Host) bool { return h.Name() == "h2" })
	e, err := l.Host("h1").Peer().Environment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, v := range e.NICs[0].Detected {
		if v.Of == "port mapping" || strings.HasPrefix(v.Of, "reach") {
			said += v.Of + ": " + v.Found + " by " + v.By + ", " + v.Why + "\n"
		}
	}
	if !strings.Contains(said, "the router maps ports") || !strings.Contains(said, "the router maps "+l.Host("h1").Public()[0].String()) {
		t.Errorf("h1 says\n%s", said)
	}
	hosts := l.Hosts()
	join(t, ctx, hosts, "#mapped")
	everyEntry(t, ctx, hosts, "#mapped")
	peers, err := l.Host("h1").Peer().Peers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("h1 is linked with %d peers, the evidence is\n%s", len(peers), said)
}
