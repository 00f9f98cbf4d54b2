package scenario

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// drawOrder draws in which order hosts join in the warm-up. The first is one that
// anybody can dial, for it is everybody's way in.
func (w *world) drawOrder(s *Scenario) error {
	for _, p := range stream(s.Seed, "order").Perm(len(w.topo.Hosts)) {
		if place := int32(p); !w.is(place, late) {
			w.order = append(w.order, place)
		}
	}
	for i, place := range w.order {
		if w.reachable(place) && !w.is(place, hostile) {
			w.order[0], w.order[i] = w.order[i], w.order[0]
			return nil
		}
	}
	return fmt.Errorf("--topology %s: no honest host that joins in the warm-up can be reached from outside (nat none), so nobody could join; take more hosts or another --seed", s.Topology)
}

// joinAt is when the i-th of n hosts joins in the warm-up: evenly spaced over its
// first quarter.
func joinAt(s *Scenario, i, n int) time.Duration {
	return time.Duration(float64(s.Warmup/4) * float64(i) / float64(n))
}

// lateAt is when the i-th of n late joiners joins: evenly spaced over the time of
// the second half of the items.
func lateAt(s *Scenario, i, n int) time.Duration {
	from, to := s.halfPast(2), s.itemAt(s.Items)
	return from + time.Duration(float64(to-from)*float64(i)/float64(n))
}

// join adds the host of a place, with one that is there already as its only contact.
// An adversary may be several.
func (r *run) join(place int32) {
	for range r.identities(place) {
		contact := r.drawContact(place)
		r.meter.joined(r.net.Now(), place, r.at[place])
		h := r.net.AddAt(int(place), r.wrap(place))
		r.at[place] = int32(h.Index())
		if r.world.reachable(place) {
			r.contacts = append(r.contacts, int32(h.Index()))
		}
		h.Join(topicName, r.owner)
		if contact != nil {
			h.Contact(contact)
		}
	}
}

// die ends the living host of a place, or all that an adversary is there; it reports
// whether there was one.
func (r *run) die(place int32, how func(*sim.Host)) (was bool) {
	for i, last := 0, r.at[place]; i < r.identities(place) && last >= 0; i++ {
		h := r.net.Hosts()[last]
		if h.Alive() {
			how(h)
			r.meter.died[last] = r.net.Now()
			was = true
		}
		last = r.meter.previous[last]
	}
	return was
}

// drawContact draws the contact of a newcomer among the living that it can dial: as
// nobody yet helps it to punch, those that anybody can. Adversaries are none, for a
// ticket comes from somebody one trusts; nor are hosts beyond a cut. It is nil for
// the first host, and where there is none. Every newcomer draws from a stream of its
// own, so that one draw more for one of them changes nothing for others.
func (r *run) drawContact(place int32) *sim.Host {
	rng := stream(r.s.Seed, fmt.Sprint("contact ", place, " ", r.meter.after(r.at[place])))
	for range contactTries {
		if len(r.contacts) == 0 {
			return nil
		}
		i := rng.IntN(len(r.contacts))
		h := r.net.Hosts()[r.contacts[i]]
		p := int32(h.Place())
		switch {
		case !h.Alive():
			last := len(r.contacts) - 1
			r.contacts[i] = r.contacts[last]
			r.contacts = r.contacts[:last]
		case r.world.is(p, hostile), r.cut && r.world.is(p, cutOff) != r.world.is(place, cutOff):
		default:
			return h
		}
	}
	return nil
}

// contactTries bounds the draws for one newcomer: where a hundredth of all hosts
// will do, one is found with 99.99% probability.
const contactTries = 1000

// publisherIDs are the IDs that the publishers will have, in the order of their turns:
// hosts get them in the order in which they join.
func (r *run) publisherIDs() []protocol.PeerID {
	index, n := make(map[int32]int, len(r.world.order)), 0
	for _, place := range r.world.order {
		index[place] = n
		n += r.identities(place)
	}
	ids := make([]protocol.PeerID, len(r.world.publishers))
	for i, place := range r.world.publishers {
		ids[i] = sim.HostID(index[place])
	}
	return ids
}
