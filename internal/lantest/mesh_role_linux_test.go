package lantest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/donet"
	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// meshPeer is a peer that has the core and links, as they ship, with the mesh in gossip's
// place, and a disk that forgets: like a peer of GossipSub, which has none. The first of
// them is the topic's owner.
type meshPeer struct {
	key     crypto.PrivKey
	id      protocol.PeerID
	links   *links.Manager
	plugin  protocol.Plugin
	core    *core.Host
	machine *donet.Machine
	record  gossipmembership.Record
	garbles bool // in every copy that it passes on a bit is wrong

	out    protocol.Outbox
	inputs chan protocol.Input
	asked  chan func()
	jobs   chan protocol.FetchAndSend
	begun  time.Time
	seq    uint64
	disk   meshDisk
	last   struct {
		carry protocol.Carry
		frame []byte
	}

	delivered, invalid int
	copies             int
	heard              protocol.Time // when something was delivered last
}

// newMeshPeer starts one. Its address is written for the others, who make contact when
// they are told to.
func newMeshPeer() (role, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	ip, err := addressOf("eth0")
	if err != nil {
		return nil, err
	}
	m := &meshPeer{key: key, inputs: make(chan protocol.Input, 1024), asked: make(chan func()), begun: time.Now(),
		jobs: make(chan protocol.FetchAndSend, 1024), garbles: os.Getenv("QUILT_LANTEST_GARBLE") != ""}
	if m.id, err = peer.IDFromPrivateKey(key); err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("/ip4/%s/udp/4002/quic-v1", ip)
	bin, err := ma.NewMultiaddr(addr)
	if err != nil {
		return nil, err
	}
	m.record = gossipmembership.Record{Peer: m.id, Seq: 1, Addrs: []string{string(bin.Bytes())}}
	if err := m.record.Sign(key); err != nil {
		return nil, err
	}
	m.plugin = donet.Plugin(donet.Config{})
	inner := m.plugin.New
	m.plugin.New = func(env protocol.Env) protocol.Machine {
		m.machine = inner(env).(*donet.Machine)
		return m.machine
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	m.core = core.New(core.Config{Self: m.id, Plugin: &m.plugin}, mathrand.New(mathrand.NewChaCha8(seed)))
	m.links, err = links.New(links.Config{Identity: key, Listen: []string{addr}, Transports: []links.Transport{links.QUIC},
		Hello: func() []byte { return m.record.AppendTo(nil) }, Now: m.now}, meshHandler{m})
	if err != nil {
		return nil, err
	}
	go m.loop()
	go m.serve()
	m.do(func() {
		m.handle(protocol.Start{})
		m.handle(core.SelfRecord{Record: m.record})
		if rate, err := strconv.ParseInt(os.Getenv("QUILT_LANTEST_BYTES"), 10, 64); err == nil {
			m.handle(protocol.BudgetChanged{UploadRate: rate})
		}
	})
	file := filepath.Join(os.Getenv("QUILT_LANTEST_DIR"), m.id.String()+".addr")
	return m, os.WriteFile(file, []byte(addr+"/p2p/"+m.id.String()), 0o600)
}

// addressOf is the IPv4 address of an interface.
func addressOf(name string) (net.IP, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	addrs, err := ifi.Addrs()
	if err != nil || len(addrs) == 0 {
		return nil, errors.Join(errors.New(name+" has no address"), err)
	}
	return addrs[0].(*net.IPNet).IP, nil
}

func (m *meshPeer) now() protocol.Time { return protocol.Time(time.Since(m.begun)) }

// do runs f in the core's goroutine.
func (m *meshPeer) do(f func()) {
	done := make(chan struct{})
	m.asked <- func() { f(); close(done) }
	<-done
}

func (m *meshPeer) loop() {
	timer := time.NewTimer(0)
	for {
		sleep := time.Minute
		if d := m.core.Deadline(); d != protocol.Never {
			sleep = min(sleep, max(0, d.Sub(m.now())))
		}
		timer.Reset(sleep)
		select {
		case in := <-m.inputs:
			m.handle(in)
			for range min(len(m.inputs), 64) {
				m.handle(<-m.inputs)
			}
		case f := <-m.asked:
			f()
		case <-timer.C:
		}
		if now := m.now(); m.core.Deadline() <= now {
			m.core.Advance(now, &m.out)
			m.perform()
		}
	}
}

func (m *meshPeer) handle(in protocol.Input) {
	if r, ok := in.(protocol.Received); ok {
		if _, ok := r.Msg.(protocol.Carry); ok {
			m.copies++
		}
	}
	m.core.Handle(m.now(), in, &m.out)
	m.perform()
}

// order does as a role is told.
func (m *meshPeer) order(o order) error {
	switch o.Do {
	case "connect": // o.Topic is the owner's address
		return m.connect(o.Topic)
	case "publish":
		return m.publish(o)
	}
	return nil
}

// connect tells of all who have written their addresses, and joins.
func (m *meshPeer) connect(owner string) error {
	of, err := peer.AddrInfoFromString(owner)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("QUILT_LANTEST_DIR"), "*.addr"))
	if err != nil {
		return err
	}
	c := core.Contacts{Topic: topicID}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		info, err := peer.AddrInfoFromString(string(text))
		if err != nil {
			return err
		}
		if info.ID != m.id {
			c.Records = append(c.Records, gossipmembership.Record{Peer: info.ID, Addrs: []string{string(info.Addrs[0].Bytes())}})
		}
	}
	m.do(func() {
		m.handle(core.Join{Name: topicName, Owner: of.ID})
		hosts := c
		hosts.Topic = protocol.TopicID{}
		m.handle(hosts)
		m.handle(c)
	})
	return nil
}

// publish publishes items at a rate.
func (m *meshPeer) publish(o order) error {
	begin := time.Now()
	for i := range o.Items {
		if o.Rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))))
		}
		m.seq++
		it, err := feed.Sign(m.key, topicName, m.seq, make([]byte, o.Size))
		if err != nil {
			return err
		}
		m.do(func() { m.disk.put(it); m.handle(core.Published{Item: it}) })
	}
	return nil
}

func (m *meshPeer) report(r *report) {
	m.do(func() {
		r.Delivered, r.Invalid, r.Copies = m.delivered, m.invalid, m.copies
		r.Idle = m.now().Sub(m.heard)
		if m.machine != nil {
			at := m.machine.Position()
			r.Placed = at.Root || at.HasParent
			r.Distrusted = m.machine.Explain(m.now()).(donet.Explanation).Distrusted
		}
	})
}

// serve streams what was asked for, at the peers' pace.
func (m *meshPeer) serve() {
	for e := range m.jobs {
		var items []*protocol.Item
		m.do(func() {
			for _, id := range e.Items {
				if it := m.disk.byID[id]; it != nil {
					items = append(items, it)
				}
			}
		})
		for _, it := range items {
			msg := protocol.Carry{Item: m.copyOf(it), Flags: protocol.FlagRepaired}
			s := protocol.Send{To: e.To, Topic: e.Topic, Object: e.Object, Msg: msg, Class: protocol.Repair, Expires: e.Expires}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			_ = m.links.SendWait(ctx, e.To, s.Class, s.Expires, protocol.AppendFrame(nil, s.Topic, s.Object, s.Msg), s)
			cancel()
		}
	}
}

// copyOf is the item as this peer passes it on.
func (m *meshPeer) copyOf(it *protocol.Item) *protocol.Item {
	if !m.garbles || len(it.Signature) == 0 {
		return it
	}
	b := []byte(strings.Clone(string(it.Bytes)))
	b[len(b)-len(it.Signature)] ^= 1
	bad, err := protocol.ParseItem(b)
	if err != nil {
		return it
	}
	return bad
}
