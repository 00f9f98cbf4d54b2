package core

import (
	"math/rand/v2"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// hostGroup is the group of all hosts: the zero topic.
var hostGroup protocol.TopicID

// Host is one peer: everything of it but input and output. It implements
// protocol.Machine towards its driver; see inputs.go and effects.go for what a
// driver says and hears beyond package protocol.
type Host struct {
	cfg  Config
	rng  *rand.Rand
	book *gossipmembership.SimpleBook
	self gossipmembership.Record
	nics nicTable

	links   linkTable
	dials   dialTable
	claims  map[protocol.PeerID][]protocol.TopicID // which groups want a link to a peer; sorted
	holders map[protocol.PeerID][]holder           // which objects want one; ascending
	banned  banTable
	charged chargeTable
	find    finder
	aloneAt protocol.Time // when to dial from the book; Never unless alone
	// lonelySince is when the group of all hosts was first seen without a neighbour on a
	// direct link; Never if it has one. A topic has one too. See leaf.go.
	lonelySince protocol.Time

	view    *gossipmembership.View // of all hosts
	viewing part                   // it, as a part
	members []protocol.PeerID      // neighbours in it, sorted
	topics  topicTable
	budget  protocol.BudgetChanged // what objects made later are to know

	tokens  uint64
	pending map[uint64]*pending // by token: being verified or stored
	loads   loads

	tmp  protocol.Outbox // what one part wrote just now
	jobs []job           // what parts wrote and the host has not yet looked through
}

// job is one effect of one part.
type job struct {
	group  protocol.TopicID
	object protocol.ObjectID
	effect protocol.Effect
}

// New returns a host that has not started. rng is its only source of randomness.
func New(cfg Config, rng *rand.Rand) *Host {
	cfg = cfg.withDefaults()
	h := &Host{
		cfg:         cfg,
		rng:         rng,
		claims:      make(map[protocol.PeerID][]protocol.TopicID),
		holders:     make(map[protocol.PeerID][]holder),
		pending:     make(map[uint64]*pending),
		loads:       newLoads(),
		links:       newLinkTable(),
		topics:      newTopicTable(),
		aloneAt:     protocol.Never,
		lonelySince: protocol.Never,
	}
	h.book = gossipmembership.NewSimpleBook(cfg.Self, 0, h.fork())
	if cfg.Share != nil {
		h.book.Share(cfg.Share)
	}
	h.view = gossipmembership.NewView(cfg.HostView, cfg.Self, dialBook{h.book, h}, h.fork())
	h.viewing = newPart(protocol.ObjectView, h.view)
	h.find = newFinder(h.fork())
	return h
}

// fork returns a random stream of its own for one part, so that one part's use of
// randomness does not disturb another's.
func (h *Host) fork() *rand.Rand {
	return rand.New(rand.NewPCG(h.rng.Uint64(), h.rng.Uint64()))
}

// Handle implements protocol.Machine.
func (h *Host) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Received:
		h.received(now, in, out)
	case protocol.LinkUp:
		h.linkUp(now, in.Link, out)
	case protocol.LinkDown:
		h.linkDown(now, in.Peer, in.Reason)
	case protocol.DialFailed:
		h.dialFailed(now, in, out)
	case protocol.Verified:
		h.verified(now, in, out)
	case protocol.Stored:
		h.stored(now, in)
	case protocol.Congested:
		h.toMemberObjects(now, in.Peer, in)
	case protocol.Drained:
		h.toMemberObjects(now, in.Peer, in)
	case protocol.SendDropped:
		if t := h.topics.get(in.Topic); t != nil {
			h.toObject(now, t, in.Object, in)
		}
	case Misconduct:
		h.charge(now, in.Peer, out)
	default:
		h.command(now, in, out)
	}
	h.settle(now, out)
}

// command takes the inputs by which the driver's owner steers the host.
func (h *Host) command(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Start, protocol.Drain, protocol.Stop:
		h.tell(now, hostGroup, &h.viewing, in)
		for _, t := range h.topics.order {
			h.toAll(now, t, in)
		}
	case SelfRecord:
		h.self = in.Record
		h.book.Learn(now, in.Record, h.cfg.Self)
		for _, t := range h.topics.order {
			h.toObjects(now, t, protocol.AddrsChanged{Addrs: in.Record.Addrs})
		}
	case protocol.BudgetChanged:
		h.budget = in
		for _, t := range h.topics.order {
			h.toObjects(now, t, in)
		}
	case protocol.EUIDChanged:
		if !h.nics.change(in) {
			out.Add(protocol.Event{Name: "core.nics-full", Value: int64(in.NIC)})
			return
		}
		for _, t := range h.topics.order {
			h.toObjects(now, t, in)
		}
	case Contacts:
		h.contacts(now, in)
	case Join:
		h.join(now, in)
	case Leave:
		h.leave(now, in.Topic)
	case Published:
		h.published(now, in.Item)
	case Pruned:
		h.pruned(now, in)
	case swarm.Opened:
		h.toLarge(now, in.Topic, in)
	case swarm.PieceStored:
		h.toLarge(now, in.Topic, in)
	case swarm.Kept:
		h.toLarge(now, in.Topic, in)
	case swarm.Gone:
		h.toLarge(now, in.Topic, in)
	case AwaitReceipts:
		if t := h.topics.get(in.Topic); t != nil {
			h.withReceipts(t, func(out *protocol.Outbox) { t.receipts.await(now, in.ID, in.Until, out) })
		}
	}
}

// received routes one message.
func (h *Host) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	if in.From.Multicast {
		h.heard(now, in, out)
		return
	}
	l := h.links.get(in.From.Peer)
	if l == nil {
		out.Add(protocol.Event{Name: "core.no-link", Peer: in.From.Peer})
		return
	}
	if l.live.hear(now) {
		h.restored(now, l.Peer)
	}
	h.links.moved(l)
	if l.doubt != nil {
		h.answerAskers(now, l, true, out)
	}
	if in.Topic.IsZero() {
		if in.Object == protocol.ObjectView {
			h.tell(now, hostGroup, &h.viewing, in)
		} else {
			h.hostMessage(now, l, in.Msg, out)
		}
		return
	}
	t := h.topics.get(in.Topic)
	if t == nil {
		out.Add(protocol.Event{Name: "core.unknown-topic", Peer: l.Peer, Topic: in.Topic})
		return
	}
	h.toObject(now, t, in.Object, in)
}

// hostMessage takes what is said to the host itself.
func (h *Host) hostMessage(now protocol.Time, l *link, msg protocol.Message, out *protocol.Outbox) {
	out.Scope(hostGroup, protocol.ObjectHost)
	switch m := msg.(type) {
	case ping:
		out.Send(l.Peer, pong(m), protocol.Control, now.Add(SuspectAfter))
	case pong:
		if l.live.pong(now, m.nonce) {
			l.RTT = l.live.rtt
			h.links.moved(l)
			if l.live.news() {
				h.toAllLinks(now, l.Peer, protocol.LinkRTT{Peer: l.Peer, RTT: l.RTT})
			}
		}
	case ask:
		h.takeAsk(now, l, m, out)
	case askReply:
		h.takeAskReply(l, m)
	case find:
		h.takeFind(now, l, m, out)
	case found:
		h.takeFound(now, l, m, out)
	}
}

// Advance implements protocol.Machine.
func (h *Host) Advance(now protocol.Time, out *protocol.Outbox) {
	if late := now.Sub(h.links.deadline()); late > ownPause {
		for _, l := range h.links.order {
			l.live.excuse(now, late)
			h.links.moved(l)
		}
		out.Add(protocol.Event{Name: "core.own-pause", Value: int64(late)})
	}
	h.advanceLinks(now, out)
	h.advanceDials(now, out)
	h.advanceFind(now, out)
	h.advanceAlone(now, out)
	h.wake(now, hostGroup, &h.viewing)
	if h.topics.deadline() <= now {
		for _, t := range h.topics.order {
			h.advanceTopic(now, t)
		}
	}
	h.settle(now, out)
}

// Deadline implements protocol.Machine.
func (h *Host) Deadline() protocol.Time {
	return protocol.Earliest(h.links.deadline(), h.find.deadline(), h.aloneAt, h.dials.deadline(), h.viewing.due, h.topics.deadline())
}

// settle looks through what the parts wrote, in order, until nothing is left.
func (h *Host) settle(now protocol.Time, out *protocol.Outbox) {
	for i := 0; i < len(h.jobs); i++ {
		h.perform(now, h.jobs[i], out)
		h.jobs[i].effect = nil
	}
	h.jobs = h.jobs[:0]
}

// perform does what one effect asks of the host, or passes it to the driver.
func (h *Host) perform(now protocol.Time, j job, out *protocol.Outbox) {
	switch e := j.effect.(type) {
	case protocol.Send:
		h.ifLinked(e.To, e, out)
	case protocol.FetchAndSend:
		h.ifLinked(e.To, e, out)
	case protocol.FetchRange:
		h.ifLinked(e.To, e, out)
	case protocol.Dial:
		if j.object >= protocol.FirstPatchObject {
			h.holdLink(now, e, holder{j.group, j.object}, out)
			break
		}
		h.claim(now, e.Peer, j.group, out)
	case protocol.Seek:
		if t := h.topics.get(j.group); t != nil {
			h.seekBeyond(now, t, out)
		}
	case protocol.Rely:
		h.rely(now, e, holder{j.group, j.object})
	case protocol.Close:
		if j.object >= protocol.FirstPatchObject {
			h.unholdLink(now, e.Peer, holder{j.group, j.object})
			break
		}
		h.release(now, e.Peer, j.group)
	case protocol.Arrive:
		h.arrive(now, h.topics.get(j.group), j.object, e, out)
	case gossipmembership.Up:
		h.memberUp(now, e, j.group)
	case gossipmembership.Down:
		h.memberDown(now, e, j.group)
	case protocol.Health:
		h.ownFitness(now, h.topics.get(j.group), e.Fit)
		out.Add(e)
	case swarm.Done:
		h.wholeHere(now, e, out)
	case protocol.Charge:
		h.charge(now, e.Peer, out)
	case receiptsGathered:
		out.Add(Receipts{Topic: j.group, ID: e.id, Peers: e.peers})
	default:
		out.Add(e)
	}
}

// ifLinked passes on what is meant for a peer if there is a link to it.
func (h *Host) ifLinked(to protocol.PeerID, e protocol.Effect, out *protocol.Outbox) {
	if h.links.get(to) != nil {
		out.Add(e)
	}
}
