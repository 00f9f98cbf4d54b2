package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// leafSites has five public hosts, and eight that nobody can call: in two homes whose
// NATs keep the port (c, e), two whose NATs give a new one for each destination (d, g),
// and behind a firewall (f).
const leafSites = `
site dc1    lan       hosts=a1,a2,a3 path=edge,carrier
site dc2    lan       hosts=b1,b2    path=edge2,carrier
site home1  cone      hosts=c1,c2    path=access1,*,city
site home2  symmetric hosts=d1,d2    path=access2,city
site home3  cone      hosts=e1,e2    path=access3
site home4  symmetric hosts=g1       path=access4
site office firewall  hosts=f1       path=access5
link default delay=20ms loss=1%
`

// isLeaf reports whether a host of leafSites cannot be called, isSymmetric whether no
// hole can be punched to it.
func isLeaf(h *lab.Host) bool      { return h.Name() >= "c" }
func isSymmetric(h *lab.Host) bool { return h.Name()[0] == 'd' || h.Name()[0] == 'g' }

// startAll starts a peer on every host, that know the first one's ticket.
func startAll(t *testing.T, ctx context.Context, l *lab.Lab, args ...string) {
	t.Helper()
	first, err := l.Hosts()[0].Start(ctx, lab.PeerConfig{Program: binary, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: append([]string{"--join", first.Ticket}, args...)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitRoles waits until every host knows its role, and every leaf can be called through
// relays.
func awaitRoles(t *testing.T, ctx context.Context, hosts []*lab.Host, leaf func(*lab.Host) bool) {
	t.Helper()
	begin := time.Now()
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		var last control.TraversalInfo
		err := lab.Until(ctx, func() (bool, error) {
			s, err := h.Peer().Status(ctx)
			last = s.Traversal
			if leaf(h) {
				return last.Role == control.RoleLeaf && len(last.Relays) > 1, err
			}
			return last.Role == control.RolePublic && last.Service != nil, err
		})
		if err != nil {
			return fmt.Errorf("%w; last it said %+v\n%s", err, last, evidence(h))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("roles, and two relays for each leaf, after %v", time.Since(begin).Round(time.Millisecond))
}

// join makes hosts take part in an open topic.
func join(t *testing.T, ctx context.Context, hosts []*lab.Host, topic string) {
	t.Helper()
	for _, h := range hosts {
		if _, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic}); err != nil {
			t.Fatal(err)
		}
	}
}

// everyEntry publishes an entry at every host and waits until each has all.
func everyEntry(t *testing.T, ctx context.Context, hosts []*lab.Host, topic string) {
	t.Helper()
	begin := time.Now()
	for _, h := range hosts {
		body := control.NewBody([]byte(h.Name()))
		if _, err := h.Peer().Publish(ctx, control.PublishRequest{Topic: topic, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		events, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic, Since: "all", Count: len(hosts)})
		if err != nil {
			return err
		}
		return events(func(control.Event) bool { return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("every entry of %d at all %d after %v", len(hosts), len(hosts), time.Since(begin).Round(time.Millisecond))
}

// traversal sums up what some hosts say.
func traversal(t *testing.T, ctx context.Context, hosts []*lab.Host, of func(*lab.Host) bool) (sum control.TraversalInfo) {
	t.Helper()
	for _, h := range hosts {
		if !of(h) {
			continue
		}
		s, err := h.Peer().Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p, q := &sum.Punches, s.Traversal.Punches
		p.Tried, p.Succeeded, p.Failed = p.Tried+q.Tried, p.Succeeded+q.Succeeded, p.Failed+q.Failed
		p.Reversed, p.Unready, p.Spared = p.Reversed+q.Reversed, p.Unready+q.Unready, p.Spared+q.Spared
		sum.RelayedBytes += s.Traversal.RelayedBytes
		sum.RelayedPayload += s.Traversal.RelayedPayload
	}
	return sum
}

func all(*lab.Host) bool { return true }

// TestLabLeaves: peers that nobody can call say so, keep several links of their own and
// places at relays among the peers they know, and get everything; holes are punched
// between NATs that keep the port, hardly tried where they do not; no relay carries an entry. One
// whose NAT goes away is soon public, and relays for others.
func TestLabLeaves(t *testing.T) {
	l := stage(t, leafSites)
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	startAll(t, ctx, l)
	hosts := l.Hosts()
	join(t, ctx, hosts, "#all")
	awaitRoles(t, ctx, hosts, isLeaf)
	everyEntry(t, ctx, hosts, "#all")
	punched := func() bool {
		p := traversal(t, ctx, hosts, all).Punches
		return p.Succeeded+p.Reversed > 0
	}
	if err := lab.Until(ctx, func() (bool, error) { return punched(), nil }); err != nil {
		t.Fatalf("no hole was punched: %v", err)
	}
	for _, h := range hosts {
		peers, err := h.Peer().Peers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		attached := 0
		for _, p := range peers {
			if !p.Relayed && !p.Inbound {
				attached++
			}
		}
		if isLeaf(h) && attached < 2 {
			t.Errorf("%s has %d links of its own, want several", h.Name(), attached)
		}
	}
	join(t, ctx, hosts, "#again")
	everyEntry(t, ctx, hosts, "#again")
	sum, stuck := traversal(t, ctx, hosts, all), traversal(t, ctx, hosts, isSymmetric)
	t.Logf("punches %+v, of those at the symmetric NATs %+v; %d bytes by relays", sum.Punches, stuck.Punches, sum.RelayedBytes)
	if sum.RelayedPayload != 0 {
		t.Errorf("%d bytes of entries went through relays", sum.RelayedPayload)
	}
	if most := 3 * uint64(len(hosts)); stuck.Punches.Tried > most {
		t.Errorf("%d punches tried at symmetric NATs, want at most %d", stuck.Punches.Tried, most)
	}

	if err := l.SetKind("home4", lab.LAN); err != nil {
		t.Fatal(err)
	}
	awaitRoles(t, ctx, []*lab.Host{l.Host("g1")}, func(*lab.Host) bool { return false })
	join(t, ctx, hosts, "#moved")
	everyEntry(t, ctx, hosts, "#moved")
}

// TestLabOnlyRelays: two peers behind NATs through which no hole can be punched share a
// topic with each other alone: nobody else carries it, so it goes through relays, in
// pieces; and though they are each other's only hope, they stop trying to punch.
func TestLabOnlyRelays(t *testing.T) {
	l := stage(t, `
site dc1    lan       hosts=a1,a2,a3 path=edge,carrier
site dc2    lan       hosts=b1,b2    path=edge2,carrier
site home1  symmetric hosts=d1       path=access1
site home2  symmetric hosts=g1       path=access2
link default delay=20ms loss=1%
`)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	startAll(t, ctx, l)
	awaitRoles(t, ctx, l.Hosts(), func(h *lab.Host) bool { return h.Name() == "d1" || h.Name() == "g1" })
	pair := []*lab.Host{l.Host("d1"), l.Host("g1")}
	join(t, ctx, l.Hosts()[:5], "#others")
	join(t, ctx, pair, "#pair")
	everyEntry(t, ctx, pair, "#pair")
	time.Sleep(20 * time.Second)
	sum := traversal(t, ctx, pair, all)
	t.Logf("punches %+v, %d bytes by relays, %d of them entries", sum.Punches, sum.RelayedBytes, sum.RelayedPayload)
	if sum.RelayedPayload == 0 {
		t.Error("no relay carried anything: by which way did it come?")
	}
	// Three tries a series and side, a series after 1, 3 and 7 minutes.
	if sum.Punches.Tried > 18 {
		t.Errorf("%d punches tried in vain", sum.Punches.Tried)
	}
}
