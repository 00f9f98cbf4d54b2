package driver

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/ipmc/share"
	"github.com/quilt-p2p/quilt/protocol"
)

// Sharing says how topics share groups: the members of a patch must have the same
// Patch, Secret, Scope and IPv6.
type Sharing struct {
	Self   protocol.PeerID
	Patch  string
	Secret []byte
	Scope  ipmc.Scope
	IPv6   bool
	// Sign signs on behalf of Self, Verify checks what others have signed.
	Sign   func(b []byte) []byte
	Verify func(p protocol.PeerID, b, sig []byte) bool
}

// leastGroups is for how many groups an interface must have room where topics share:
// that of rosters, and two.
const leastGroups = 1 + share.MinBound

// maxRosters bounds the rosters that were heard and not yet looked at.
const maxRosters = 64

// rosterObject is behind which number rosters are: they are of no topic's object.
const rosterObject protocol.ObjectID = 0

// sharer is what one interface hears in place of what it was asked to.
type sharer struct {
	nic     *NIC
	machine *share.Machine
	wants   []netip.AddrPort // ascending
	version int
}

// route is where what is meant for a group is sent by an interface.
type route struct {
	nic   protocol.NIC
	group netip.AddrPort
}

// rosterIn is one that was heard.
type rosterIn struct {
	nic protocol.NIC
	msg *share.Roster
}

// openSharing makes the sharers, if groups are shared.
func (d *Driver) openSharing() error {
	c := d.cfg.Sharing
	d.routes.Store(&map[route]netip.AddrPort{})
	if c == nil || d.cfg.MaxGroups < leastGroups {
		return nil
	}
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	rng := rand.New(rand.NewChaCha8(seed))
	name := "quilt-ipmc-roster:" + c.Patch
	d.rosterTopic, d.rosterGroup = protocol.TopicOf(name), ipmc.GroupOf(name, c.Patch, c.Scope, c.IPv6)
	d.AddTopic(d.rosterTopic, ipmc.KeyOf(name, c.Patch, c.Secret))
	for i := range d.nics {
		d.sharers = append(d.sharers, &sharer{nic: &d.nics[i], machine: share.New(share.Config{
			Self: c.Self, Bound: d.cfg.MaxGroups - 1, Seq: uint64(time.Now().UnixNano()),
			Valid: func(g netip.AddrPort) bool { return ipmc.IsGroup(g, c.Scope, c.IPv6) },
			Sign:  c.Sign, Verify: c.Verify,
		}, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))})
	}
	d.begun, d.rosters, d.poke, d.done = time.Now(), make(chan rosterIn, maxRosters), make(chan struct{}, 1), make(chan struct{})
	d.wg.Go(d.driveSharers)
	return nil
}

func (d *Driver) now() protocol.Time { return protocol.Time(time.Since(d.begun)) }

func (d *Driver) sharer(nic protocol.NIC) *sharer {
	for _, s := range d.sharers {
		if s.nic.NIC == nic {
			return s
		}
	}
	return nil
}

// want has a sharer want a group, or not any more. d.mu is held.
func (d *Driver) want(s *sharer, group netip.AddrPort, on bool) error {
	i, known := slices.BinarySearchFunc(s.wants, group, netip.AddrPort.Compare)
	switch {
	case known == on:
		return nil
	case on && len(s.wants) == share.MaxGroups:
		return fmt.Errorf("joining %v on %s, which wants %d: %w", group, s.nic.Name, share.MaxGroups, ErrTooManyGroups)
	case on:
		s.wants = slices.Insert(s.wants, i, group)
	default:
		s.wants = slices.Delete(s.wants, i, i+1)
	}
	s.machine.Want(d.now(), s.wants)
	err := d.apply(s)
	select {
	case d.poke <- struct{}{}:
	default:
	}
	return err
}

// apply joins and leaves as a sharer's machine says, and sends what it has to say. What
// is not wanted any more is left first, so that the bound holds at every moment.
func (d *Driver) apply(s *sharer) (first error) {
	for _, r := range s.machine.Take() {
		d.Send(protocol.Multicast{NIC: s.nic.NIC, Group: d.rosterGroup, Topic: d.rosterTopic, Object: rosterObject, Msg: r})
	}
	s.version = s.machine.Version()
	var need []netip.AddrPort
	routes := make(map[route]netip.AddrPort)
	for r, to := range *d.routes.Load() {
		if r.nic != s.nic.NIC {
			routes[r] = to
		}
	}
	for _, g := range s.wants {
		to := s.machine.Of(g)
		if to != g {
			routes[route{s.nic.NIC, g}] = to
		}
		need = append(need, to)
	}
	if len(need) > 0 {
		need = append(need, d.rosterGroup)
	}
	slices.SortFunc(need, netip.AddrPort.Compare)
	need = slices.Compact(need)
	d.routes.Store(&routes)
	for m := range d.ears {
		if m.nic == s.nic.NIC && !slices.Contains(need, m.group) {
			d.drop(m)
		}
	}
	for _, g := range need {
		if err := d.join(s.nic, g); err != nil {
			d.counts.joinFailed.Add(1)
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// driveSharers drives the sharers until the driver is closed.
func (d *Driver) driveSharers() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case in := <-d.rosters:
			d.mu.Lock()
			if s := d.sharer(in.nic); s != nil {
				s.machine.Heard(d.now(), in.msg)
			}
			d.mu.Unlock()
		case <-timer.C:
		case <-d.poke:
		case <-d.done:
			return
		}
		timer.Reset(d.advanceSharers())
	}
}

// advanceSharers does what is due and returns how long nothing is.
func (d *Driver) advanceSharers() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return time.Hour
	}
	next := protocol.Never
	for _, s := range d.sharers {
		now := d.now()
		if s.machine.Deadline() <= now {
			s.machine.Advance(now)
			_ = d.apply(s) // counted
		}
		next = min(next, s.machine.Deadline())
	}
	if next == protocol.Never {
		return time.Hour
	}
	return max(next.Sub(d.now()), time.Millisecond)
}

// heardRoster takes a datagram of the rosters' group.
func (d *Driver) heardRoster(nic protocol.NIC, frame []byte) {
	f, err := protocol.ParseFrame(slices.Clone(frame))
	if err != nil || f.Object != rosterObject {
		d.counts.foreign.Add(1)
		return
	}
	msg, err := share.Decode(f.Kind, f.Body)
	if err != nil {
		d.counts.foreign.Add(1)
		return
	}
	select {
	case d.rosters <- rosterIn{nic, msg}:
	default:
		d.counts.rostersDropped.Add(1)
	}
}

// SharingState says how the groups of an interface are shared.
type SharingState struct {
	// Wanted are the groups asked for, Joined those that are heard, that of rosters too.
	Wanted, Joined int
	// Shared are the groups in whose place another is heard.
	Shared int
	share.Stats
}

// SharingOf describes an interface; the zero value where groups are not shared.
func (d *Driver) SharingOf(nic protocol.NIC) (st SharingState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sharer(nic)
	if s == nil {
		return st
	}
	st.Wanted, st.Stats = len(s.wants), s.machine.Stats()
	for m := range d.ears {
		if m.nic == nic {
			st.Joined++
		}
	}
	for _, g := range s.wants {
		if s.machine.Of(g) != g {
			st.Shared++
		}
	}
	return st
}
