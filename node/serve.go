package node

import (
	"context"
	"errors"

	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// MaxServeJobs bounds the requests of one peer that wait to be served from the
// store; one more is dropped, and the peer asks again (our guess).
const MaxServeJobs = 64

// maxPassedOver bounds the bytes of items that are read for one request and are too
// large for the link: nobody makes this host read its store in vain (our guess).
const maxPassedOver = 4 << 20

// server streams items from the store to one peer, at the peer's pace.
type server struct {
	jobs   chan protocol.Effect
	cancel context.CancelFunc
}

// startServer begins to serve a peer whose link is up. It runs in the core's
// goroutine, as stopServer and serve do.
func (n *Node) startServer(p protocol.PeerID) {
	n.stopServer(p)
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{jobs: make(chan protocol.Effect, MaxServeJobs), cancel: cancel}
	n.servers[p] = s
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		for {
			select {
			case job := <-s.jobs:
				n.serveJob(ctx, job)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// stopServer ends it: the link is gone.
func (n *Node) stopServer(p protocol.PeerID) {
	if s := n.servers[p]; s != nil {
		s.cancel()
		delete(n.servers, p)
	}
}

// serve queues a request of a peer.
func (n *Node) serve(p protocol.PeerID, job protocol.Effect) {
	s := n.servers[p]
	if s == nil {
		return
	}
	select {
	case s.jobs <- job:
	default:
		n.count("serve.no-room", 1)
	}
}

// serveJob sends what one request asks for, waiting for room.
func (n *Node) serveJob(ctx context.Context, job protocol.Effect) {
	if n.now() > expiry(job) {
		return // it waited so long that the peer has asked elsewhere
	}
	switch e := job.(type) {
	case protocol.Send:
		n.links.SendWait(ctx, e.To, protocol.Repair, e.Expires, n.encode(e), e)
	case swarm.FetchPieces:
		n.servePieces(ctx, e)
	case protocol.FetchAndSend:
		passed := 0
		for _, id := range e.Items {
			it, err := n.find(id)
			if err != nil {
				continue
			}
			went, ok := n.sendStored(ctx, e.To, e.Topic, e.Object, e.Expires, it)
			if !went {
				passed += len(it.Bytes)
			}
			if !ok || passed >= maxPassedOver {
				return
			}
		}
	case protocol.FetchRange:
		sent, passed := 0, 0
		err := n.store.Range(e.Topic, e.Author, e.First, e.Last, func(it *protocol.Item) bool {
			went, ok := n.sendStored(ctx, e.To, e.Topic, e.Object, e.Expires, it)
			if went {
				sent += len(it.Bytes)
			} else {
				passed += len(it.Bytes)
			}
			return ok && sent < e.MaxBytes && passed < maxPassedOver
		})
		if err != nil {
			n.log.Warn("reading the store for a peer", "peer", e.To, "error", err)
		}
	}
}

// expiry is when a request is of no use any more.
func expiry(job protocol.Effect) protocol.Time {
	switch e := job.(type) {
	case protocol.FetchAndSend:
		return e.Expires
	case protocol.FetchRange:
		return e.Expires
	case swarm.FetchPieces:
		return e.Expires
	}
	return protocol.Never
}

// sendStored sends one item as repair; it reports whether it went, and whether to go on:
// one that is too large for what a relay allows must not keep others from it.
func (n *Node) sendStored(ctx context.Context, to protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, expires protocol.Time, it *protocol.Item) (went, ok bool) {
	e := protocol.Send{To: to, Topic: topic, Object: object, Class: protocol.Repair, Expires: expires,
		Msg: protocol.Carry{Item: it, Flags: protocol.FlagRepaired}}
	err := n.links.SendWait(ctx, to, protocol.Repair, expires, n.encode(e), e)
	if errors.Is(err, links.ErrTooLarge) {
		n.count("serve.too-large", 1)
		return false, true
	}
	return err == nil, err == nil
}

// encode is frame for other goroutines than the core's.
func (n *Node) encode(e protocol.Send) []byte {
	return protocol.AppendFrame(nil, e.Topic, e.Object, e.Msg)
}
