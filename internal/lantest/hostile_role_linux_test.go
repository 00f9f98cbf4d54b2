package lantest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// hostile is a host on the LAN that hears the group, knows the topic's key, and sends
// to the group what it likes.
type hostile struct {
	out   *flooder
	group *net.UDPAddr

	mu    sync.Mutex
	heard [][]byte    // datagrams with payload, the latest of them
	first *ipmc.First // the latest

	sent atomic.Int64 // packets of floods that the system has taken
}

const keepHeard = 512

func newHostile() (role, error) {
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	h := &hostile{group: net.UDPAddrFromAddrPort(ipmc.GroupOf(topicName, "", ipmc.SiteLocal, false))}
	in, err := net.ListenUDP("udp4", h.group)
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(in)
	if err := p.JoinGroup(ifi, h.group); err != nil {
		return nil, err
	}
	if h.out, err = newFlooder(ifi, h.group); err != nil {
		return nil, err
	}
	go h.listen(in)
	return h, nil
}

func (h *hostile) listen(in *net.UDPConn) {
	b := make([]byte, 1<<16)
	tagger, key := ipmc.NewTagger(), ipmc.KeyOf(topicName, "", nil)
	for {
		n, err := in.Read(b)
		if err != nil {
			return
		}
		frame, err := tagger.Open(b[:n], func(protocol.TopicID) *ipmc.Key { return &key })
		if err != nil {
			continue
		}
		f, err := protocol.ParseFrame(bytes.Clone(frame))
		if err != nil {
			continue
		}
		m, err := ipmc.Decode(f.Kind, f.Body)
		if first, ok := m.(*ipmc.First); ok && err == nil {
			h.mu.Lock()
			h.first = first
			h.heard = append(h.heard, bytes.Clone(b[:n]))
			h.heard = h.heard[max(0, len(h.heard)-keepHeard):]
			h.mu.Unlock()
		}
	}
}

func (h *hostile) report(r *report) { r.Sent = int(h.sent.Load()) }

// Batches of a flood are made ahead and sent again and again; each refreshEvery one is
// made anew, as what is forged has to follow what is honest.
const (
	hostileBatch   = 128
	hostileBatches = 8
	refreshEvery   = 10 * time.Millisecond
)

// order floods: Do is "flood NAME", Items packets at Rate a second, as far as that goes.
func (h *hostile) order(o order) error {
	name, ok := strings.CutPrefix(o.Do, "flood ")
	if !ok {
		return nil
	}
	tagger, key := ipmc.NewTagger(), ipmc.KeyOf(topicName, "", nil)
	batch := func(n int) (volley, error) {
		list := make([][]byte, hostileBatch)
		for i := range list {
			var err error
			if list[i], err = h.packet(name, n*hostileBatch+i, tagger, &key); err != nil {
				return nil, err
			}
		}
		return load(list), nil
	}
	var ring [hostileBatches]volley
	var err error
	for i := range ring {
		if ring[i], err = batch(i); err != nil {
			return err
		}
	}
	done := make(chan error)
	go func() { done <- h.flood(o, ring[:], batch) }()
	return <-done
}

// flood sends volleys in turn, and makes one anew now and then.
func (h *hostile) flood(o order, ring []volley, batch func(int) (volley, error)) error {
	if err := h.out.first(); err != nil {
		return err
	}
	begin, refreshed, sent, made := time.Now(), time.Now(), 0, len(ring)
	for turn := 0; sent < o.Items; turn++ {
		if time.Since(refreshed) > refreshEvery {
			v, err := batch(made)
			if err != nil {
				return err
			}
			ring[made%len(ring)] = v
			made++
			refreshed = time.Now()
		}
		n, err := h.out.fire(ring[turn%len(ring)])
		if err != nil {
			return err
		}
		sent += n
		h.sent.Add(int64(n))
		time.Sleep(time.Until(begin.Add(time.Duration(float64(sent) / o.Rate * float64(time.Second)))))
	}
	return nil
}

// packet makes the i-th packet of a flood.
func (h *hostile) packet(name string, i int, tagger *ipmc.Tagger, key *ipmc.Key) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil {
		return nil, fmt.Errorf("nothing was heard yet")
	}
	seal := func(m protocol.Message) []byte {
		return tagger.Seal(nil, key, topicID, protocol.FirstPatchObject, m)
	}
	switch name {
	case "garbage":
		b := make([]byte, 1200)
		_, err := rand.Read(b[:64])
		return b, err
	case "untagged": // of the right shape, by somebody without the key
		b := bytes.Clone(h.heard[i%len(h.heard)])
		b[len(b)-1-i%100] ^= 1
		return b, nil
	case "replayed":
		return h.heard[i%len(h.heard)], nil
	case "oversized":
		return append(bytes.Clone(h.heard[i%len(h.heard)]), make([]byte, 3000)...), nil
	case "forged":
		f := *h.first
		f = ipmc.First{Origin: f.Origin, Epoch: f.Epoch, Seq: f.Seq + 1 + uint64(i%60), Size: f.Size, Unit: f.Unit, Chunk: f.Chunk, Sig: make([]byte, 64)}
		binary.BigEndian.PutUint64(f.Sig, uint64(i)) // each contradicts the others
		return seal(&f), nil
	case "fragments":
		return seal(&ipmc.Fragment{Stream: ipmc.StreamID(h.first.Origin, h.first.Epoch), Seq: h.first.Seq + 1 + uint64(i%60), Index: i % 900, Chunk: make([]byte, 1300)}), nil
	}
	return nil, fmt.Errorf("no flood is called %q", name)
}
