package swarm

import (
	"crypto/sha256"
	"slices"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// takePiece checks a piece, and has it stored if it is genuine and new.
func (m *Machine) takePiece(now protocol.Time, n *neighbour, p Piece, out *protocol.Outbox) {
	t := m.byRoot[p.Root]
	m.stats.Received++
	m.stats.ReceivedBytes += uint64(len(p.Bytes))
	if t == nil || t.phase != fetching {
		m.stats.Twice++
		return
	}
	i := int(p.Index)
	if i >= t.pieces {
		m.misconduct(n, "swarm.impossible", out)
		return
	}
	m.answered(now, t, n, i)
	if s := t.state[i]; s == held || s == writing {
		m.stats.Twice++
		if n.given > 0 {
			return
		}
	}
	switch t.tree.CheckSum(i, p.Bytes, m.sum()) {
	case large.Unknown:
		return // it was not asked for
	case large.Forged:
		m.stats.Forged++
		m.misconduct(n, "swarm.forged", out)
		t.pump(now, m, out)
		return
	}
	if s := t.state[i]; s == held || s == writing {
		n.given = 1 // late is not never
		return
	}
	n.strikes = 0
	n.given++
	t.moved = now
	t.askAt, t.askPause = now.Add(askAgain), askAgain
	m.settle(t, i)
	m.write(t, i, p.Bytes, n.id, out)
	if from, to := t.tree.Learn(i, p.Bytes); from < to {
		for ; from < to; from++ {
			if t.state[from] == missing {
				t.lack(from)
			}
		}
		t.pump(now, m, out)
		return
	}
	m.request(now, t, t.side(n), out)
}

func (m *Machine) sum() func([]byte) [32]byte {
	if m.cfg.Sum != nil {
		return m.cfg.Sum
	}
	return sha256.Sum256
}

// answered takes in that a neighbour has sent what it was asked for, and how long that
// took: the aim is that half a second's work waits there.
func (m *Machine) answered(now protocol.Time, t *transfer, n *neighbour, i int) {
	k := slices.IndexFunc(t.requests, func(r request) bool { return int(r.piece) == i && r.side.n == n })
	if k < 0 {
		return
	}
	took := now.Sub(t.requests[k].at)
	r := t.requests[k]
	t.requests = slices.Delete(t.requests, k, k+1)
	r.side.n.asked--
	m.inFlight -= t.layout.Len(i)
	if t.state[i] == asked && t.askedOf(i) == 0 {
		t.lack(i) // until it is found genuine
	}
	if n.took == 0 {
		n.took = took
	}
	n.took += (took - n.took) / 8
	switch wait := took - n.rtt - m.ownWait(now); {
	case wait < aim:
		n.window = min(MaxWindow, n.window+0.5)
	case wait > 2*aim:
		n.window = max(1, n.window*0.8)
	default:
		n.window = max(1, n.window-0.5)
	}
}

// settle takes a piece that has come out of what is asked for or missing.
func (m *Machine) settle(t *transfer, i int) {
	for k := len(t.requests) - 1; k >= 0; k-- {
		if r := t.requests[k]; int(r.piece) == i {
			t.requests = slices.Delete(t.requests, k, k+1)
			r.side.n.asked--
			m.inFlight -= t.layout.Len(i)
		}
	}
	if t.state[i] == missing {
		list := &t.lacking
		if i < t.layout.Index() {
			list = &t.index
		}
		if k := slices.Index(*list, uint32(i)); k >= 0 {
			t.unlack(list, k)
		}
	}
	t.state[i] = writing
}

// write has a piece stored.
func (m *Machine) write(t *transfer, i int, b []byte, from protocol.PeerID, out *protocol.Outbox) {
	m.tokens++
	m.storing[m.tokens] = stored{t, i, len(b)}
	m.inFlight += len(b)
	out.Add(StorePiece{Topic: m.cfg.Topic, Root: t.root, Token: m.tokens, Index: i, Bytes: b, From: from})
}

// pieceStored takes in that a piece is on disk: now it is told of and served. If it
// could not be written, the transfer waits for room.
func (m *Machine) pieceStored(now protocol.Time, in PieceStored, out *protocol.Outbox) {
	w, known := m.storing[in.Token]
	if !known {
		return
	}
	delete(m.storing, in.Token)
	m.inFlight -= w.bytes
	t := w.t
	if t.phase != fetching || t.state[w.index] != writing {
		return // it has lost its place meanwhile
	}
	if !in.OK {
		m.park(t)
		t.phase, t.openAt, t.moved = noRoom, now.Add(openAgain), now
		out.Note("swarm.no-room", "", t.items[0], t.layout.Size())
		return
	}
	t.state[w.index] = held
	t.have.Set(w.index)
	t.left--
	m.stats.Stored++
	if t.left == 0 {
		m.finish(now, t, out)
		return
	}
	m.announce(now, t, w.index, out)
}

// pump asks every neighbour for what it may be asked for.
func (t *transfer) pump(now protocol.Time, m *Machine, out *protocol.Outbox) {
	for _, s := range t.sides {
		m.request(now, t, s, out)
	}
}
