package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

// fakeNet names the directory that fake peers share instead of a network: a
// file of events for each topic, and one of those who keep it.
const fakeNet = "QUILT_FAKE_NET"

// fakePeer is a daemon over such a directory. It keeps its feeds in its home, so
// it may be killed and started again.
type fakePeer struct {
	cfg     runConfig
	net, id string
	notices chan control.Notice
	closed  context.Context

	mu      sync.Mutex
	feeds   map[string]control.FeedInfo
	mirrors map[string]context.CancelFunc
}

// startFake is what startDaemon is in these tests.
func startFake(_ context.Context, cfg runConfig) (daemon, func() error, error) {
	f := &fakePeer{cfg: cfg, net: os.Getenv(fakeNet), notices: make(chan control.Notice, 100),
		feeds: map[string]control.FeedInfo{}, mirrors: map[string]context.CancelFunc{}}
	sum := sha256.Sum256([]byte(cfg.Home))
	f.id = "12D3KooWFake" + hex.EncodeToString(sum[:8])
	if b, err := os.ReadFile(filepath.Join(cfg.Home, "feeds.json")); err == nil {
		if err := json.Unmarshal(b, &f.feeds); err != nil {
			return nil, nil, err
		}
	}
	for _, ticket := range cfg.Join {
		if err := f.AddTicket(context.Background(), ticket); err != nil {
			return nil, nil, err
		}
	}
	if err := f.append("", "peers", []byte(f.id)); err != nil {
		return nil, nil, err
	}
	f.notices <- control.Notice{Type: control.NoticeTopic, Text: "listens to \x1b[31mfiles"}
	var stop context.CancelFunc
	f.closed, stop = context.WithCancel(context.Background())
	return f, func() error {
		stop()
		return os.WriteFile(filepath.Join(cfg.Home, "closed"), nil, 0o600)
	}, nil
}

// resolve returns what a topic is called here and on the network.
func (f *fakePeer) resolve(topic string) (name, topicName string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, feed := range f.feeds {
		if feed.Name == topic || feed.Address == topic {
			return feed.Name, feed.Address
		}
	}
	open := strings.TrimPrefix(topic, "#")
	return open, open
}

func (f *fakePeer) file(topicName, kind string) string {
	return filepath.Join(f.net, hex.EncodeToString([]byte(topicName))+"."+kind)
}

// lines reads the file of a topic.
func (f *fakePeer) lines(topicName, kind string) [][]byte {
	b, _ := os.ReadFile(f.file(topicName, kind))
	lines := bytes.SplitAfter(b, []byte("\n"))
	return lines[:len(lines)-1] // after the last line break
}

func (f *fakePeer) append(topicName, kind string, line []byte) error {
	file, err := os.OpenFile(f.file(topicName, kind), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}

// keepers counts the others that keep a topic.
func (f *fakePeer) keepers(topicName string) int {
	others := map[string]bool{}
	for _, id := range f.lines(topicName, "keepers") {
		others[strings.TrimSpace(string(id))] = true
	}
	delete(others, f.id)
	return len(others)
}

func (f *fakePeer) Publish(ctx context.Context, r control.PublishRequest) (control.PublishReply, error) {
	name, topicName := f.resolve(r.Topic)
	if feed, ok := f.feed(name); ok && !feed.Own {
		return control.PublishReply{}, control.NewError(control.CodeRefused, name+" is somebody else's feed", "publish to one of yours")
	}
	f.mu.Lock()
	seq := uint64(len(f.lines(topicName, "events")) + 1)
	id := sha256.Sum256(fmt.Append(nil, topicName, seq))
	e := control.Event{Type: control.EventEntry, TopicName: topicName, Author: f.id, Seq: seq, ID: hex.EncodeToString(id[:]),
		Time: time.Now(), ContentType: r.ContentType, Body: r.Body}
	if r.Text != nil && strings.HasPrefix(*r.Text, "gap!") {
		e = control.Event{Type: control.EventGap, TopicName: topicName, Author: f.id, First: seq, Last: seq}
	}
	line, err := json.Marshal(e)
	if err == nil {
		err = f.append(topicName, "events", line)
	}
	f.mu.Unlock()
	f.notices <- control.Notice{Type: control.NoticePublished, Topic: name, Seq: seq, Text: fmt.Sprintf("published %s #%d", name, seq)}
	rep := control.PublishReply{Topic: name, TopicName: topicName, Seq: seq, ID: e.ID, Duplicate: r.Once == "twice"}
	until := time.Now().Add(time.Duration(r.Timeout))
	for rep.StoredBy = f.keepers(topicName); rep.StoredBy < r.Wait && time.Now().Before(until) && ctx.Err() == nil; {
		time.Sleep(time.Millisecond)
		rep.StoredBy = f.keepers(topicName)
	}
	return rep, err
}

func (f *fakePeer) Subscribe(ctx context.Context, r control.SubscribeRequest) (control.Stream[control.Event], error) {
	name, topicName := f.resolve(r.Topic)
	since, err := control.ParseSince(r.Since)
	if err != nil {
		return nil, err
	}
	at := 0
	if since.Now {
		at = len(f.lines(topicName, "events"))
	}
	return func(yield func(control.Event) bool) error {
		for n := 0; ; time.Sleep(2 * time.Millisecond) {
			lines := f.lines(topicName, "events")
			for ; at < len(lines); at++ {
				var e control.Event
				if err := json.Unmarshal(lines[at], &e); err != nil {
					return err
				}
				e.Topic = name
				if e.Author != f.id {
					e.ReceivedFrom = e.Author
				}
				if max(e.Seq, e.Last) < since.Seq {
					continue
				}
				if !yield(e) {
					return nil
				}
				if e.Type != control.EventEntry {
					continue
				}
				if n++; n == r.Count {
					return nil
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}, nil
}

func (f *fakePeer) feed(name string) (control.FeedInfo, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, ok := f.feeds[name]
	return info, ok
}

// keep adds a feed.
func (f *fakePeer) keep(info control.FeedInfo) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.feeds[info.Name] = info
	b, err := json.Marshal(f.feeds)
	if err != nil {
		return err
	}
	if err := f.append(info.Address, "keepers", []byte(f.id)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.cfg.Home, "feeds.json"), b, 0o600)
}

func (f *fakePeer) NewFeed(_ context.Context, name string) (control.FeedInfo, error) {
	if _, ok := f.feed(name); ok {
		return control.FeedInfo{}, control.NewError(control.CodeExists, "there is a feed "+name+" already", "choose another name")
	}
	info := control.FeedInfo{Name: name, Address: feedPrefix + f.id + name, Own: true}
	return info, f.keep(info)
}

func (f *fakePeer) Feeds(context.Context) ([]control.FeedInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	infos := []control.FeedInfo{}
	for _, info := range f.feeds {
		info.Entries = uint64(len(f.lines(info.Address, "events")))
		info.Last = info.Entries
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b control.FeedInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

func (f *fakePeer) Follow(ctx context.Context, r control.FollowRequest) ([]control.FeedInfo, error) {
	addresses := []string{r.Address}
	if !strings.HasPrefix(r.Address, feedPrefix) {
		var err error
		if addresses, err = parseFakeTicket(r.Address); err != nil {
			return nil, err
		}
	}
	var infos []control.FeedInfo
	for _, address := range addresses {
		info := control.FeedInfo{Name: r.Name, Address: address}
		if info.Name == "" {
			info.Name = "feed-" + address[len(address)-4:]
		}
		if err := f.keep(info); err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (f *fakePeer) Unfollow(_ context.Context, name string) error {
	info, ok := f.feed(name)
	if !ok {
		return control.NewError(control.CodeNotFound, "there is no feed "+name, `see "quilt-peer feed list"`)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.feeds, info.Name)
	return nil
}

func (f *fakePeer) AddMirror(ctx context.Context, r control.MirrorRequest) (control.MirrorInfo, error) {
	info, ok := f.feed(r.Feed)
	if !ok {
		var err error
		if info, err = f.NewFeed(ctx, r.Feed); err != nil {
			return control.MirrorInfo{}, err
		}
	}
	poll := func() (int, error) {
		items, err := readFakeSource(r.Source)
		old := len(f.lines(info.Address, "events"))
		for i := len(items) - 1 - old; i >= 0; i-- {
			b, _ := json.Marshal(map[string]string{"title": items[i].Title, "url": items[i].Link})
			if _, err := f.Publish(ctx, control.PublishRequest{Topic: r.Feed, ContentType: "application/feed+json", Body: control.NewBody(b)}); err != nil {
				return 0, err
			}
		}
		return max(0, len(items)-old), err
	}
	n, err := poll()
	if err != nil {
		return control.MirrorInfo{}, control.NewError(control.CodeRefused, err.Error(), "")
	}
	if !r.Once {
		ctx, cancel := context.WithCancel(f.closed)
		f.mu.Lock()
		f.mirrors[r.Feed] = cancel
		f.mu.Unlock()
		go func() {
			for ctx.Err() == nil {
				time.Sleep(10 * time.Millisecond)
				_, _ = poll()
			}
		}()
	}
	return control.MirrorInfo{Source: r.Source, Feed: r.Feed, Address: info.Address, Interval: r.Interval, Published: n}, nil
}

// readFakeSource reads an RSS document.
func readFakeSource(source string) ([]rssItem, error) {
	var doc rss
	if !isURL(source) {
		b, err := os.ReadFile(source)
		if err == nil {
			err = xml.Unmarshal(b, &doc)
		}
		return doc.Items, err
	}
	rep, err := http.Get(source)
	if err != nil {
		return nil, err
	}
	defer rep.Body.Close()
	return doc.Items, xml.NewDecoder(bufio.NewReader(rep.Body)).Decode(&doc)
}

func (f *fakePeer) RemoveMirror(_ context.Context, feed string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	cancel, ok := f.mirrors[feed]
	if !ok {
		return control.NewError(control.CodeNotFound, "nothing is mirrored into "+feed, `see "quilt-peer feed mirror"`)
	}
	cancel()
	delete(f.mirrors, feed)
	return nil
}

func (f *fakePeer) Mirrors(context.Context) ([]control.MirrorInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	infos := []control.MirrorInfo{}
	for name := range f.mirrors {
		infos = append(infos, control.MirrorInfo{Feed: name, Source: "x", LastError: "404 \x1b"})
	}
	return infos, nil
}

// Ticket makes a ticket that is as long as real ones.
func (f *fakePeer) Ticket(_ context.Context, feeds []string) (string, error) {
	parts := []string{strings.Repeat("padding ", 10)}
	for _, name := range feeds {
		info, ok := f.feed(name)
		if !ok {
			return "", control.NewError(control.CodeNotFound, "there is no feed "+name, `see "quilt-peer feed list"`)
		}
		parts = append(parts, info.Address)
	}
	b := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(strings.Join(parts, "\n")))
	return "quilt1" + strings.ToLower(b), nil
}

// parseFakeTicket returns the feeds a ticket names.
func parseFakeTicket(ticket string) ([]string, error) {
	text, ok := strings.CutPrefix(ticket, "quilt1")
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	if !ok || err != nil {
		return nil, control.NewError(control.CodeRefused, "this is no ticket", "ask for it again")
	}
	return strings.Split(string(b), "\n")[1:], nil
}

func (f *fakePeer) AddTicket(_ context.Context, ticket string) error {
	_, err := parseFakeTicket(ticket)
	return err
}

func (f *fakePeer) Peers(context.Context) ([]control.PeerInfo, error) {
	if f.cfg.MDNS {
		return []control.PeerInfo{{ID: "12D3KooWOther", Address: "/ip4/10.0.0.2/tcp/4001", Inbound: true, Transport: "tcp",
			RTTMillis: 1.25, Topics: []string{"alice", "hello"}, BytesIn: 2048}}, nil
	}
	peers := []control.PeerInfo{}
	for _, id := range f.lines("", "peers") {
		if id := strings.TrimSpace(string(id)); id != f.id {
			peers = append(peers, control.PeerInfo{ID: id, Transport: "file"})
		}
	}
	return peers, nil
}

func (f *fakePeer) Environment(context.Context) (control.EnvironmentInfo, error) {
	return control.EnvironmentInfo{
		Role: control.RoleLeaf,
		NICs: []control.NICInfo{{Name: "lan0", Detected: []control.EvidenceInfo{
			{Of: "resolver", Found: "192.168.1.1", By: "/etc/resolv.conf"},
			{Of: "hops", By: "UDP", Why: "a router says \x1b[31mno"},
		}, Published: []control.Property{{Name: "mapping", Value: "independent"}}, Hidden: []control.Property{{Name: "router", Value: "192.168.1.1"}}}},
		Skipped: []control.SkippedInfo{{Name: "lo", Why: "loopback"}}, Notes: []string{"a note"},
	}, nil
}

func (f *fakePeer) Status(ctx context.Context) (control.StatusInfo, error) {
	s := control.StatusInfo{ID: f.id, Version: f.cfg.Version, Home: f.cfg.Home, PID: os.Getpid(), UptimeS: 125,
		Addresses: f.cfg.Listen, Links: control.LinkCounts{Inbound: 1, Outbound: 2}, Known: 1,
		Traversal: control.TraversalInfo{Role: control.RoleLeaf, Relays: []control.RelayInfo{{ID: "12D3KooWRelay"}},
			Punches: control.PunchInfo{Tried: 3, Succeeded: 2, Failed: 1, Reversed: 1}, RelayedBytes: 2048},
		Store:   control.StoreInfo{Items: 12, Bytes: 3 << 20, Quota: 1 << 30},
		Refused: []control.Counter{{Name: "bad signature", Count: 3}}}
	feeds, err := f.Feeds(ctx)
	for _, feed := range feeds {
		s.Topics = append(s.Topics, control.TopicInfo{Name: feed.Name, TopicName: feed.Address, Kind: control.KindOwn, Entries: feed.Entries})
	}
	return s, err
}

func (f *fakePeer) Events(ctx context.Context) (control.Stream[control.Notice], error) {
	return func(yield func(control.Notice) bool) error {
		for {
			select {
			case n := <-f.notices:
				if !yield(n) {
					return nil
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}, nil
}

func (f *fakePeer) Stop(context.Context) error { return nil }

func (f *fakePeer) PublishFile(_ context.Context, r control.PublishFileRequest, content io.Reader) (control.PublishReply, error) {
	n, err := io.Copy(io.Discard, content)
	return control.PublishReply{Topic: r.Topic, ID: strings.Repeat("f", 64), File: &control.FileInfo{Name: r.Name, Size: n}}, err
}

func (f *fakePeer) File(context.Context, control.FileRequest) (control.FileInfo, error) {
	return control.FileInfo{Name: "a", Size: 5, Held: 5, Complete: true}, nil
}

func (f *fakePeer) FileContent(context.Context, control.FileRequest) (io.Reader, int64, error) {
	return strings.NewReader("hello"), 5, nil
}
