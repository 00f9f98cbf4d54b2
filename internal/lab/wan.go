package lab

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// wan is what lies between the sites: it takes each packet that a site's router
// sends out and decides what becomes of it. It has no clock and no descriptors:
// [carrier] gives it both.
type wan struct {
	mu       sync.Mutex
	sites    []*wanSite
	byNumber map[int]*wanSite
	hops     *hopTable
	lookup   func(host string) []netip.Addr
	counts   Counts
	watch    func(Passage)
}

// wanSite is a site as the others' packets see it.
type wanSite struct {
	index, number int
	name          string
	path          []*hop
	access        time.Duration
	to            []*lane // by the other site's index; nil for itself
}

// lane is one direction of a link.
type lane struct {
	delay   time.Duration
	loss    float64
	cut     bool
	hops    []*hop // the whole way: the sender's path, the link, the receiver's path reversed
	losses  *rand.Rand
	carried Traffic
}

// Traffic is an amount of packets.
type Traffic struct{ Packets, Bytes uint64 }

func (t *Traffic) add(n int) { t.Packets++; t.Bytes += uint64(n) }

// Counts is what became of the packets that sites sent out.
type Counts struct {
	Carried   Traffic // brought to another site, whose router has dealt with them
	Lost      uint64  // by the link's loss
	Cut       uint64  // while the two sites were parted
	Expired   uint64  // lived too long; Silent of these at a router that does not say so
	Silent    uint64
	Answered  uint64 // by a router or resolver: queries, pings, unreachable ports
	Ignored   uint64 // sent to a router or resolver that has no answer
	Multicast uint64 // UDP multicast and broadcast do not cross sites; routers' MLD is dropped uncounted
	Foreign   uint64 // the source is none of the site's
	Unknown   uint64 // nobody has the destination
	Malformed uint64
	Overflow  uint64 // more than maxUnderway at once
}

// Passage is a packet that was accepted for another site. Packet is valid only
// during the call.
type Passage struct {
	From, To string // sites
	Packet   []byte // from the IP header on
}

// delivery is a packet to put out at a site, so much later.
type delivery struct {
	site  *wanSite
	after time.Duration
	raw   []byte // may be the packet that was taken
	lane  *lane  // nil for an answer
}

// newWAN builds it from a description that was checked. Site i begins with number
// i+1.
func newWAN(n *Network) *wan {
	w := &wan{byNumber: make(map[int]*wanSite), hops: newHopTable()}
	for i := range n.Sites {
		s := &n.Sites[i]
		site := &wanSite{index: i, name: s.Name, path: w.hops.all(s.Path), access: s.access()}
		if s.remote() {
			w.hops.get(s.resolver()).serves = true
		}
		w.sites = append(w.sites, site)
		w.renumber(i, i+1)
	}
	for _, a := range w.sites {
		a.to = make([]*lane, len(w.sites))
		for _, b := range w.sites {
			if a != b {
				a.to[b.index] = &lane{losses: n.losses(a.index, b.index)}
				a.to[b.index].set(w, a, b, n.link(a.name, b.name))
			}
		}
	}
	return w
}

// set gives a lane the properties of a link that runs its way.
func (l *lane) set(w *wan, a, b *wanSite, link Link) {
	l.delay, l.loss = link.Delay, link.Loss
	l.hops = append([]*hop(nil), a.path...)
	l.hops = append(l.hops, w.hops.all(link.Hops)...)
	for i := len(b.path) - 1; i >= 0; i-- {
		l.hops = append(l.hops, b.path[i])
	}
}

// renumber gives a site the addresses of a number. It keeps none of the old.
func (w *wan) renumber(index, number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sites[index]
	delete(w.byNumber, s.number)
	s.number = number
	w.byNumber[number] = s
}

// take decides about a packet that a site's router sent out. It owns raw.
func (w *wan) take(from int, raw []byte) (delivery, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sites[from]
	p, ok := parsePacket(raw)
	switch {
	case !ok || p.ttl == 0: // no router sends that
		w.counts.Malformed++
		return delivery{}, false
	case p.dst.IsMulticast() || p.dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		if p.proto == protoUDP {
			w.counts.Multicast++
		}
		return delivery{}, false
	case numberOf(p.src) != s.number:
		w.counts.Foreign++
		return delivery{}, false
	}
	if h := w.hops.byAddr[p.dst]; h != nil {
		return w.toHop(s, h, &p)
	}
	to := w.byNumber[numberOf(p.dst)]
	if to == nil || to == s {
		w.counts.Unknown++
		return delivery{}, false
	}
	return w.toSite(s, to, &p)
}

func (w *wan) toSite(s, to *wanSite, p *packet) (delivery, bool) {
	l := s.to[to.index]
	n := len(l.hops)
	switch {
	case l.cut:
		w.counts.Cut++
		return delivery{}, false
	case p.ttl <= n:
		at := p.ttl - 1
		return w.expire(s, l.hops, at, l.delay*time.Duration(at+1)/time.Duration(n+1), p)
	case l.loss > 0 && l.losses.Float64() < l.loss:
		w.counts.Lost++
		return delivery{}, false
	}
	p.age(n)
	if w.watch != nil {
		w.watch(Passage{s.name, to.name, p.raw})
	}
	return delivery{to, l.delay, p.raw, l}, true
}

// delivered counts what has been put out at its destination.
func (w *wan) delivered(list []delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range list {
		if d.lane != nil {
			d.lane.carried.add(len(d.raw))
			w.counts.Carried.add(len(d.raw))
		}
	}
}

// expire answers for the router at which the packet's life ends, that far away.
func (w *wan) expire(s *wanSite, way []*hop, at int, away time.Duration, p *packet) (delivery, bool) {
	w.counts.Expired++
	if way[at].silent() {
		w.counts.Silent++
		return delivery{}, false
	}
	if p.icmpError() {
		return delivery{}, false
	}
	return delivery{s, 2 * away, p.exceeded(way[at].addr(p.four), 64-at), nil}, true
}

// toHop treats a packet to a router or resolver, which stands at the end of the
// sender's path.
func (w *wan) toHop(s *wanSite, h *hop, p *packet) (delivery, bool) {
	way := s.path
	for i, on := range way {
		if on == h {
			way = way[:i]
			break
		}
	}
	away := s.access
	if n := len(s.path); n > 0 {
		away = s.access * time.Duration(len(way)+1) / time.Duration(n+1)
	}
	if p.ttl <= len(way) {
		at := p.ttl - 1
		return w.expire(s, way, at, s.access*time.Duration(at+1)/time.Duration(len(s.path)+1), p)
	}
	if raw := w.respond(h, p, 64-len(way)); raw != nil {
		w.counts.Answered++
		return delivery{s, 2 * away, raw, nil}, true
	}
	w.counts.Ignored++
	return delivery{}, false
}

// respond is what a router or resolver sends back, if anything.
func (w *wan) respond(h *hop, p *packet, ttl int) []byte {
	_, port, ok := p.ports()
	if !ok || p.proto != protoUDP {
		return p.echo(ttl)
	}
	if h.serves && port == 53 {
		if msg := answer(p.body[8:], w.lookup); msg != nil {
			return p.reply(ttl, msg)
		}
		return nil
	}
	return p.noPort(ttl)
}

// each calls f for both lanes between two sites.
func (w *wan) each(a, b int, f func(from, to *wanSite, l *lane)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.sites[a], w.sites[b], w.sites[a].to[b])
	f(w.sites[b], w.sites[a], w.sites[b].to[a])
}
