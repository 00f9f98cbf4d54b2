package lantest

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/ipmc/driver"
	"github.com/quilt-p2p/quilt/protocol"
)

const topicName = "lan"

var topicID = protocol.TopicOf(topicName)

// setup is what an endpoint is made from.
type setup struct {
	rate   int64
	six    bool
	topics []string // topicName alone where there are none
	links  bool     // beside multicast, with gossip that stands by
	driver driver.Config
}

// endpoint is a peer that has the core and multicast sockets, links only where a test
// wants them, and no disk.
type endpoint struct {
	id      protocol.PeerID
	plugin  *protocol.Plugin
	mesh    *mesh // nil for none
	shelf   *shelf
	driver  *driver.Driver
	core    *core.Host
	machine *ipmc.Machine // of the first topic
	out     protocol.Outbox
	inputs  chan protocol.Input
	asked   chan func()
	begun   time.Time

	author crypto.PrivKey
	seq    uint64

	delivered, invalid int
	repaired           int // of those delivered, by digests
	byTopic            map[string]int
	fit                []bool
	why                string        // the last reason for not being fit
	last               protocol.Time // when something was delivered last
}

// newEndpoint opens one on eth0 and joins its topics.
func newEndpoint(s setup) (*endpoint, error) {
	if len(s.topics) == 0 {
		s.topics = []string{topicName}
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	e := &endpoint{id: id, shelf: newShelf(), inputs: make(chan protocol.Input, 4096), asked: make(chan func()), begun: time.Now(), author: key, byTopic: make(map[string]int)}
	sign := func(b []byte) []byte { sig, _ := key.Sign(b); return sig }
	s.driver.Sharing = &driver.Sharing{Self: id, IPv6: s.six, Sign: sign, Verify: verify}
	if e.driver, err = driver.Open(s.driver, e.heard); err != nil {
		return nil, err
	}
	o := ipmc.Options{Packet: e.driver.Packet(), Rate: s.rate, IPv6: s.six, Standby: s.links, Sign: sign, Verify: verify}
	for _, nic := range e.driver.NICs() {
		o.NICs = append(o.NICs, nic.NIC)
	}
	for _, t := range s.topics {
		e.driver.AddTopic(protocol.TopicOf(t), ipmc.KeyOf(t, "", nil))
	}
	plugin := ipmc.Plugin(o)
	inner := plugin.New
	plugin.New = func(env protocol.Env) protocol.Machine {
		m := inner(env).(*ipmc.Machine)
		if env.Topic == s.topics[0] {
			e.machine = m
		}
		return m
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	e.plugin = &plugin
	if s.links {
		if e.mesh, err = newMesh(e); err != nil {
			return nil, err
		}
	}
	e.core = core.New(core.Config{Self: id, Plugin: &plugin}, mathrand.New(mathrand.NewChaCha8(seed)))
	var self gossipmembership.Record
	if s.links {
		if self, err = e.mesh.record(); err != nil {
			return nil, err
		}
	}
	go e.loop()
	e.do(func() {
		if s.links {
			e.handle(core.SelfRecord{Record: self})
		}
		e.handle(protocol.Start{})
		for _, t := range s.topics {
			e.handle(core.Join{Name: t})
		}
	})
	return e, nil
}

// verify checks a host's signature.
func verify(p protocol.PeerID, b, sig []byte) bool {
	k, err := p.ExtractPublicKey()
	if err != nil {
		return false
	}
	ok, err := k.Verify(b, sig)
	return ok && err == nil
}

func (e *endpoint) now() protocol.Time { return protocol.Time(time.Since(e.begun)) }

// heard brings the core what was heard.
func (e *endpoint) heard(from protocol.Origin, frame []byte) {
	f, err := protocol.ParseFrame(frame)
	if err != nil {
		return
	}
	if m, err := ipmc.Decode(f.Kind, f.Body); err == nil {
		e.inputs <- protocol.Received{From: from, Topic: f.Topic, Object: f.Object, Msg: m, At: e.now()}
	}
}

// do runs f in the core's goroutine.
func (e *endpoint) do(f func()) {
	done := make(chan struct{})
	e.asked <- func() { f(); close(done) }
	<-done
}

func (e *endpoint) loop() {
	timer := time.NewTimer(0)
	for {
		sleep := time.Minute
		if d := e.core.Deadline(); d != protocol.Never {
			sleep = min(sleep, max(0, d.Sub(e.now())))
		}
		timer.Reset(sleep)
		select {
		case in := <-e.inputs:
			e.handle(in)
			for range len(e.inputs) {
				e.handle(<-e.inputs)
			}
		case f := <-e.asked:
			f()
		case <-timer.C:
		}
		if now := e.now(); e.core.Deadline() <= now {
			e.core.Advance(now, &e.out)
			e.perform()
		}
	}
}

func (e *endpoint) handle(in protocol.Input) {
	e.core.Handle(e.now(), in, &e.out)
	e.perform()
}

// perform does what the core wants. Signatures are checked at once.
func (e *endpoint) perform() {
	for e.out.Len() > 0 {
		for _, effect := range append([]protocol.Effect(nil), e.out.Take()...) {
			switch x := effect.(type) {
			case protocol.Multicast:
				e.driver.Send(x)
			case protocol.JoinGroup:
				if err := e.driver.Join(x.NIC, x.Group); err != nil {
					panic(err)
				}
			case protocol.LeaveGroup:
				e.driver.Leave(x.NIC, x.Group)
			case protocol.Verify:
				v := protocol.Valid
				if e.shelf.known[x.Item.ID] {
					v = protocol.Known
				} else if feed.Verify(x.Item) != nil {
					v = protocol.Invalid
					e.invalid++
				}
				e.core.Handle(e.now(), protocol.Verified{Token: x.Token, Verdict: v}, &e.out)
			case protocol.Send:
				e.send(x.To, x.Topic, x.Object, x.Msg)
			case protocol.FetchAndSend:
				e.fetch(x.To, x.Topic, x.Object, x.Items)
			case protocol.FetchRange:
				e.fetchRange(x)
			case core.Dial:
				if e.mesh != nil {
					go e.mesh.dial(x.Peer, x.Addrs)
				}
			case protocol.Close:
				if e.mesh != nil {
					e.mesh.close(x.Peer)
				}
			case protocol.Store:
				e.shelf.put(x.Item)
				e.core.Handle(e.now(), protocol.Stored{Token: x.Token, OK: true}, &e.out)
			case protocol.Deliver:
				e.delivered++
				if x.Repaired {
					e.repaired++
				}
				e.byTopic[x.Item.TopicName]++
				e.last = e.now()
			case protocol.Health:
				e.fit = append(e.fit, x.Fit)
				if !x.Fit {
					e.why = x.Reason
				}
			}
		}
	}
}

// publish publishes items, so many a second, or as fast as they are sent with 0.
func (e *endpoint) publish(topic string, items, size int, rate float64) error {
	if topic == "" {
		topic = topicName
	}
	data := make([]byte, size)
	begin := time.Now()
	for i := range items {
		if rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		}
		for e.driver.Waiting() > 256 {
			time.Sleep(100 * time.Microsecond)
		}
		e.seq++
		it, err := feed.Sign(e.author, topic, e.seq, data)
		if err != nil {
			return err
		}
		for queued := 1 << 20; queued > 64; {
			e.do(func() {
				if queued = e.machine.Explain(0).(ipmc.Explanation).Queue; queued <= 64 {
					e.shelf.put(it)
					e.handle(core.Published{Item: it})
				}
			})
			if queued > 64 {
				time.Sleep(100 * time.Microsecond)
			}
		}
	}
	return nil
}
