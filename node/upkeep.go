package node

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// rememberEvery is how often contacts are written to disk; Close does it too.
	rememberEvery = time.Minute
	// rememberPause is the least time between two writes after new links: the first
	// contact is written down at once, for it may be the only one, and this peer may
	// be killed a second later.
	rememberPause = 100 * time.Millisecond
	// maxRemembered bounds the contacts kept over a restart (our guess).
	maxRemembered = 128
	// metaPeers is where they are.
	metaPeers = "peers"
	// metaLinks is where what got through on the networks that this host has been in is.
	metaLinks = "links"
	// metaSelf is where this host's last record number is.
	metaSelf = "self"
)

// upkeep is the goroutine for what happens now and then.
func (n *Node) upkeep() {
	defer n.wg.Done()
	remember := time.NewTicker(rememberEvery)
	defer remember.Stop()
	for {
		select {
		case <-remember.C:
			n.remember()
		case <-n.met:
			n.remember()
			remember.Reset(rememberEvery)
			n.pause(rememberPause)
		case <-n.addrsChanged:
			if err := n.nextRecord(n.links.Addrs()); err != nil {
				n.log.Warn("renewing this peer's record", "error", err)
			}
		case <-n.closing:
			return
		}
	}
}

// rememberSoon has the contacts written down: there is a new one.
func (n *Node) rememberSoon() {
	select {
	case n.met <- struct{}{}:
	default:
	}
}

// pause waits, unless the node closes.
func (n *Node) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-n.closing:
	}
}

// nextRecord signs this host's record anew. Its number is the wall clock's, and
// more than the last one in any case, so that a clock set back does no harm.
func (n *Node) nextRecord(addrs []string) error {
	seq := uint64(max(1, n.cfg.clock().UnixMilli()))
	stored, err := n.store.Meta(metaSelf, "seq")
	if err != nil {
		return err
	}
	if len(stored) == 8 {
		seq = max(seq, binary.BigEndian.Uint64(stored)+1)
	}
	err = n.store.SetMeta(metaSelf, "seq", binary.BigEndian.AppendUint64(nil, seq))
	if errors.Is(err, store.ErrFull) {
		n.noteFull(err) // a full disk must not keep a peer from serving what it has
	} else if err != nil {
		return err
	}
	rec := gossipmembership.Record{Peer: n.id, Seq: seq, Addrs: clip(addrs), Caps: n.caps(), EUIDs: n.env.published()}
	if err := rec.Sign(n.key); err != nil {
		return err
	}
	n.mu.Lock()
	n.hello = greeting(rec)
	n.mu.Unlock()
	if n.links != nil {
		n.tell(core.SelfRecord{Record: rec})
	}
	return nil
}

// remember writes down the contacts that worked, and by which ways they were reached.
func (n *Node) remember() {
	if err := n.store.SetMeta(metaLinks, "ways", n.links.Ways()); err != nil {
		n.log.Warn("remembering what gets through", "error", err)
	}
	var recs []gossipmembership.Record
	if !n.look(func(_ protocol.Time, h *core.Host) { recs = h.Contacts(maxRemembered) }) {
		return
	}
	entries := make([]store.MetaEntry, 0, len(recs))
	for _, rec := range recs {
		entries = append(entries, store.MetaEntry{Key: string(rec.Peer), Value: rec.AppendTo(nil)})
	}
	if len(entries) == 0 {
		return // a run without any contact must not forget those of the last
	}
	if err := n.store.ReplaceMeta(metaPeers, entries); err != nil {
		n.log.Warn("remembering peers", "error", err)
	}
}

// tellRemembered brings the core the contacts of earlier runs.
func (n *Node) tellRemembered() {
	entries, err := n.store.MetaEntries(metaPeers)
	if err != nil {
		n.log.Warn("reading remembered peers", "error", err)
		return
	}
	var c core.Contacts
	c.Remembered = true
	for _, e := range entries {
		if rec, err := gossipmembership.ParseRecord(e.Value); err == nil {
			c.Records = append(c.Records, rec)
		}
	}
	n.tell(c)
}
