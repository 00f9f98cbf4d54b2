package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/control"
)

// size is how large the story is told.
type size struct {
	peers, entries, burst, killed, revived int
}

// authors are the peers that publish: none of them is killed.
func (s size) authors() []int { return []int{s.peers / 4, s.peers / 2, 3 * s.peers / 4} }

// TestChain: peers in a chain, each with the ticket of the one before it only;
// three authors, one of whom mirrors a feed document; everybody gets everything.
// Then some are killed during a burst, the first contact among them, and most of
// those come back from disk: every living peer gets everything, and nothing that
// was acknowledged is lost.
func TestChain(t *testing.T) {
	s := size{peers: 8, entries: 120, burst: 60, killed: 3, revived: 2}
	if os.Getenv("QUILT_LONG") != "" {
		s = size{peers: 20, entries: 1000, burst: 300, killed: 7, revived: 5}
	}
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()

	begin := time.Now()
	peers := make([]*peer, s.peers)
	contact := ""
	for i := range peers {
		peers[i] = start(t, ctx, fmt.Sprint("peer ", i), filepath.Join(t.TempDir(), "home"), contact)
		var err error
		if contact, err = peers[i].Ticket(ctx, nil); err != nil {
			t.Fatal(err)
		}
		contact = onlyFirst(t, contact)
	}
	t.Logf("%d processes started in %v", s.peers, time.Since(begin).Round(time.Millisecond))

	site := newSite()
	defer site.Close()
	feeds := publishers(t, ctx, s, peers, site.URL)
	for _, p := range peers {
		for _, f := range feeds {
			if _, err := p.Follow(ctx, control.FollowRequest{Address: f.address}); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin = time.Now()
	publishAll(t, ctx, feeds, s.entries, site)
	published := time.Since(begin)
	took := waitHeld(t, ctx, peers, wanted(feeds))
	t.Logf("%d entries by 3 authors published in %v; all %d stores had all of them %v later",
		s.entries, published.Round(time.Millisecond), s.peers, took.Round(time.Millisecond))
	checkAll(t, ctx, peers, feeds)

	living := killDuringBurst(t, ctx, s, peers, feeds, site)
	took = waitHeld(t, ctx, living, wanted(feeds))
	t.Logf("%d of %d killed during a burst of %d, %d revived from disk: all %d living peers had everything %v after the last entry",
		s.killed, s.peers, s.burst, s.revived, len(living), took.Round(time.Millisecond))
	checkAll(t, ctx, living, feeds)
}

// onlyFirst makes of a ticket one that names its maker alone.
func onlyFirst(t *testing.T, text string) string {
	ticket, err := gossipmembership.ParseTicket(text)
	if err != nil {
		t.Fatal(err)
	}
	ticket.Peers = ticket.Peers[:1]
	if text, err = ticket.Encode(); err != nil {
		t.Fatal(err)
	}
	return text
}

// author publishes in one feed and keeps what was acknowledged.
type author struct {
	p       *peer
	address string
	mirror  bool
	acked   []control.PublishReply
}

// publishers makes three feeds, the last a mirror of the site.
func publishers(t *testing.T, ctx context.Context, s size, peers []*peer, url string) []*author {
	var list []*author
	for i, at := range s.authors() {
		a := &author{p: peers[at], mirror: i == 2}
		if a.mirror {
			m, err := a.p.AddMirror(ctx, control.MirrorRequest{Source: url, Feed: "mirror", Interval: control.Duration(time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			a.address = m.Address
		} else {
			f, err := a.p.NewFeed(ctx, fmt.Sprint("feed", i))
			if err != nil {
				t.Fatal(err)
			}
			a.address = f.Address
		}
		list = append(list, a)
	}
	return list
}

// publishAll publishes n entries, a third in each feed, at once.
func publishAll(t *testing.T, ctx context.Context, feeds []*author, n int, site *site) {
	var wg sync.WaitGroup
	for i, a := range feeds {
		share := n / 3
		if i == 0 {
			share = n - 2*share
		}
		if a.mirror {
			site.grow(share)
			continue
		}
		wg.Go(func() { a.publish(t, ctx, share) })
	}
	wg.Wait()
	for _, a := range feeds {
		if a.mirror {
			waitHeld(t, ctx, []*peer{a.p}, map[string]uint64{a.address: uint64(site.articles())})
			a.acked = make([]control.PublishReply, site.articles())
		}
	}
}

// publish publishes n entries, each acknowledged before the next.
func (a *author) publish(t *testing.T, ctx context.Context, n int) {
	for range n {
		text := fmt.Sprintf("entry %d of %s", len(a.acked)+1, a.p.name)
		r, err := a.p.Publish(ctx, control.PublishRequest{Topic: a.address, Body: control.NewBody([]byte(text))})
		if err != nil {
			t.Errorf("publishing: %v", err)
			return
		}
		a.acked = append(a.acked, r)
	}
}

// wanted is how many entries there are of each feed.
func wanted(feeds []*author) map[string]uint64 {
	want := make(map[string]uint64)
	for _, a := range feeds {
		want[a.address] = uint64(len(a.acked))
	}
	return want
}

// checkAll reads every feed at every peer: in order, without gaps, and exactly
// what was acknowledged.
func checkAll(t *testing.T, ctx context.Context, peers []*peer, feeds []*author) {
	t.Helper()
	for _, a := range feeds {
		truth := a.p.read(ctx, a.address, uint64(len(a.acked)))
		for i, r := range a.acked {
			if r.ID != "" && (r.ID != truth[i].ID || r.Seq != truth[i].Seq) {
				t.Fatalf("entry %d of %s was acknowledged as %d %s, and is %s", i+1, a.address, r.Seq, r.ID, truth[i].ID)
			}
		}
		for _, p := range peers {
			for i, e := range p.read(ctx, a.address, uint64(len(a.acked))) {
				if e.ID != truth[i].ID || string(e.Bytes()) != string(truth[i].Bytes()) {
					t.Fatalf("%s: entry %d of %s differs from its author's", p.name, i+1, a.address)
				}
			}
		}
	}
}

// killDuringBurst publishes a burst, kills some peers in the middle of it, the
// first contact among them, revives most of them, and returns the living.
func killDuringBurst(t *testing.T, ctx context.Context, s size, peers []*peer, feeds []*author, site *site) []*peer {
	victims := []int{0}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(s.peers) {
		if i != 0 && !slices.Contains(s.authors(), i) && len(victims) < s.killed {
			victims = append(victims, i)
		}
	}
	burst := make(chan struct{})
	go func() {
		defer close(burst)
		publishAll(t, ctx, feeds, s.burst, site)
	}()
	time.Sleep(50 * time.Millisecond)
	for _, i := range victims {
		peers[i].kill()
	}
	for _, i := range victims[:s.revived] {
		peers[i] = start(t, ctx, peers[i].name, peers[i].home, "")
	}
	<-burst
	var living []*peer
	for i, p := range peers {
		if !slices.Contains(victims[s.revived:], i) {
			living = append(living, p)
		}
	}
	return living
}

// site serves a feed document that grows.
type site struct {
	*httptest.Server
	mu sync.Mutex
	n  int
}

func newSite() *site {
	s := &site{}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *site) grow(n int) { s.mu.Lock(); defer s.mu.Unlock(); s.n += n }

func (s *site) articles() int { s.mu.Lock(); defer s.mu.Unlock(); return s.n }

// ServeHTTP writes the document, newest article first as sites do.
func (s *site) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Site</title><link>http://site.example/</link><description>x</description>`)
	for i := s.articles(); i > 0; i-- {
		fmt.Fprintf(&b, `<item><title>Article %d</title><guid>http://site.example/%d</guid><description>Text %d</description></item>`, i, i, i)
	}
	b.WriteString(`</channel></rss>`)
	w.Header().Set("Content-Type", "application/rss+xml")
	_, _ = w.Write([]byte(b.String()))
}
