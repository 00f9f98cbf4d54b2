package adversary

import (
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// lieEvery is how often a liar moves to another's environment.
	lieEvery = 20 * time.Second
	// maxMarks bounds the hosts whose environment it knows; the oldest goes.
	maxMarks = 64
	// pongDelay is how much later it answers a ping: a round trip can be made
	// longer, never shorter. Below what has a link suspected.
	pongDelay = 200 * time.Millisecond
	// maxPongs bounds the answers that wait; beyond, one is not given at all.
	maxPongs = 64
	// kindPong is the core's: this host's answer to a ping.
	kindPong = 2
)

// liar passes items on honestly but lies about where it is and what it can do: its
// record has the addresses and the environment of another host, a victim where it
// knows one, and every capability there may be; it changes now and then. Its core
// believes in that environment, and so acts by it. And it answers pings late, so that
// nobody measures where it is.
type liar struct {
	plain
	marks []gossipmembership.Record // whose environment it can claim; oldest first
	next  protocol.Time
	told  uint64       // how many lies
	nic   protocol.NIC // the interface that it lies about, the last it was told of
	pongs []latePong
}

// latePong is an answer that waits.
type latePong struct {
	at   protocol.Time
	send protocol.Send
}

func newLiar(m *machine) conduct { return &liar{plain: plain{m}} }

func (l *liar) hear(now protocol.Time, in protocol.Input) protocol.Input {
	switch in := in.(type) {
	case core.SelfRecord:
		l.next = now
	case protocol.EUIDChanged:
		l.nic, l.next = in.NIC, now
	case core.Contacts:
		l.mark(in.Records)
	case protocol.Received:
		l.mark(core.RecordsIn(in.Msg))
	}
	return in
}

// mark remembers whose environment there is to claim.
func (l *liar) mark(recs []gossipmembership.Record) {
	for _, r := range recs {
		if !l.m.plot.fellow(r.Peer) && r.Seq > 0 && !l.knows(r.Peer) {
			if len(l.marks) == maxMarks {
				l.marks = append(l.marks[:0], l.marks[1:]...)
			}
			l.marks = append(l.marks, r)
		}
	}
}

func (l *liar) knows(p protocol.PeerID) bool {
	for _, r := range l.marks {
		if r.Peer == p {
			return true
		}
	}
	return false
}

func (l *liar) emit(now protocol.Time, e protocol.Effect) {
	if s, ok := e.(protocol.Send); ok && s.Topic.IsZero() && s.Object == protocol.ObjectHost && s.Msg.Kind() == kindPong {
		if len(l.pongs) < maxPongs {
			l.pongs = append(l.pongs, latePong{now.Add(pongDelay), s})
		}
		return
	}
	l.m.put(e)
}

func (l *liar) due() protocol.Time {
	if len(l.pongs) > 0 {
		return min(l.next, l.pongs[0].at)
	}
	return l.next
}

func (l *liar) act(now protocol.Time) {
	for len(l.pongs) > 0 && l.pongs[0].at <= now {
		l.m.put(l.pongs[0].send)
		l.pongs = append(l.pongs[:0], l.pongs[1:]...)
	}
	if l.next > now {
		return
	}
	l.next = now.Add(lieEvery)
	if l.m.self.Peer != "" {
		rec := l.lie()
		l.m.plot.enlist(rec)
		l.m.honest.Handle(now, core.SelfRecord{Record: rec}, &l.m.inner)
		if l.nic != 0 && len(rec.EUIDs) > 0 {
			l.m.honest.Handle(now, protocol.EUIDChanged{NIC: l.nic, EUID: rec.EUIDs[0]}, &l.m.inner)
		}
	}
}

// lie returns a record of this host with another's environment.
func (l *liar) lie() gossipmembership.Record {
	l.told++
	rec := l.m.self
	rec.Seq += l.told
	rec.Caps = ^uint64(0)
	if mark, ok := l.choose(); ok {
		rec.Addrs, rec.EUIDs = mark.Addrs, mark.EUIDs
	}
	return rec
}

// choose returns a victim's record every second time, if it knows one, and a random
// host's otherwise.
func (l *liar) choose() (gossipmembership.Record, bool) {
	if len(l.marks) == 0 {
		return gossipmembership.Record{}, false
	}
	for _, r := range l.marks {
		for _, v := range l.m.plot.victims {
			if r.Peer == v && l.told%2 == 1 {
				return r, true
			}
		}
	}
	return l.marks[l.m.rng.IntN(len(l.marks))], true
}
