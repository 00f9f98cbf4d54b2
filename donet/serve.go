package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// serveBurst is how many bytes may be served at once without a look at the uplink, and
	// servePause the least pause between two handfuls (our guesses).
	serveBurst = 64 << 10
	servePause = 5 * time.Millisecond
	// serveShare is the share of the uplink up to which requests are served.
	serveShare = 0.95
	// serveLife is for how long a request waits.
	serveLife = 2 * time.Second
)

// serving holds the requests that wait for room on the uplink: those of who has sent most
// are served first, so that who never sends anything is last in line.
type serving struct {
	queue  []request // as they came, at most MaxServing
	credit float64   // bytes that may go at once
	last   protocol.Time
	due    protocol.Time
}

// request is one item that one peer has asked for.
type request struct {
	p    *peer
	st   *stream
	h    *held
	came protocol.Time
}

func (s *serving) at() protocol.Time {
	if len(s.queue) == 0 {
		return protocol.Never
	}
	return s.due
}

func (s *serving) forget(p *peer) {
	s.queue = slices.DeleteFunc(s.queue, func(r request) bool { return r.p == p })
}

func (s *serving) drop(st *stream) {
	s.queue = slices.DeleteFunc(s.queue, func(r request) bool { return r.st == st })
}

// takeAsk queues what a peer asks for and serves what there is room for. Each item is sent
// to each peer twice at most, or one short message could be made to cost a megabyte again
// and again.
func (m *Machine) takeAsk(now protocol.Time, p *peer, msg Ask, out *protocol.Outbox) {
	st := m.streams.find(msg.Tag)
	if st == nil {
		return
	}
	m.needs(now, p)
	for _, run := range msg.Runs {
		for seq := run.First; seq < run.First+uint64(run.Count); seq++ {
			h := st.bySeq[seq]
			if h == nil {
				st.rel(p).theirs.remove(seq) // it is pushed when it comes
				continue
			}
			if len(m.serving.queue) < MaxServing && h.serve(p) {
				m.serving.queue = append(m.serving.queue, request{p, st, h, now})
			}
		}
	}
	m.serving.due = min(m.serving.due, now)
	m.serve(now, out)
}

// serve sends what there is room for beside what is pushed, to the most deserving first.
func (m *Machine) serve(now protocol.Time, out *protocol.Outbox) {
	s := &m.serving
	if len(s.queue) == 0 || s.due > now {
		return
	}
	rate := max(m.up()*serveShare-m.load(), m.up()/8)
	s.credit = min(s.credit+now.Sub(s.last).Seconds()*rate, max(serveBurst, rate/16))
	s.last = now
	s.queue = slices.DeleteFunc(s.queue, func(r request) bool { return now.Sub(r.came) > serveLife || !r.p.speaks() })
	slices.SortStableFunc(s.queue, func(a, b request) int {
		switch x, y := a.p.merit(now), b.p.merit(now); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	n := 0
	for n < len(s.queue) && s.credit > 0 {
		r := s.queue[n]
		s.credit -= float64(r.h.size)
		r.st.rel(r.p).theirs.add(r.h.seq)
		r.p.gave.add(now, r.h.size)
		n++
	}
	m.send(now, s.queue[:n], out)
	s.queue = slices.Delete(s.queue, 0, n)
	s.due = now.Add(max(servePause, time.Duration(-s.credit/rate*float64(time.Second))))
}

// send streams what is served from the store, a peer's together.
func (m *Machine) send(now protocol.Time, list []request, out *protocol.Outbox) {
	for i := 0; i < len(list); {
		var ids []protocol.ItemID
		p := list[i].p
		for ; i < len(list) && list[i].p == p; i++ {
			ids = append(ids, list[i].h.id)
		}
		out.FetchAndSend(p.id, ids, now.Add(answerLife))
	}
}
