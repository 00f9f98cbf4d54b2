package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// Feed is an owned feed this peer carries: its own, or one it follows.
type Feed struct {
	// Name is what it is called on this host.
	Name string
	// Address is its topic's name, by which anyone can follow it.
	Address string
	// Own is set where this host has the author's key.
	Own bool

	author *author
}

// metaFeeds is where the store remembers feeds: name to address.
const metaFeeds = "feeds"

// keySuffix ends the names of key files.
const keySuffix = ".key"

// feedName is what a feed may be called on a host: it becomes a file's name.
var feedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Errors of feeds.
var (
	// ErrNoFeed: no feed of that name is known here.
	ErrNoFeed = errors.New("no such feed here")
	// ErrFeedExists: the name is taken.
	ErrFeedExists = errors.New("a feed of this name exists already")
	// ErrBadAddress: that is no feed's address.
	ErrBadAddress = errors.New("not a feed's address (one looks like /quilt/feed/12D3Koo…)")
	// ErrOwnFeed: an own feed cannot be left.
	ErrOwnFeed = errors.New("this feed is your own: others would lose its source")
	// ErrFeedName: the name cannot be one.
	ErrFeedName = errors.New("a feed's name has 1 to 64 letters, digits, dots, dashes and underscores and begins with a letter or digit")
)

// NewFeed makes a feed with a key of its own, kept in the home under feeds, and
// joins it. Whoever loses the key can never publish in the feed again: back it up.
func (n *Node) NewFeed(name string) (Feed, error) {
	if !feedName.MatchString(name) {
		return Feed{}, fmt.Errorf("feed name %q: %w", name, ErrFeedName)
	}
	n.naming.Lock()
	defer n.naming.Unlock()
	if n.closed() {
		return Feed{}, ErrClosed
	}
	if _, ok := n.feed(name); ok {
		return Feed{}, fmt.Errorf("feed %q: %w", name, ErrFeedExists)
	}
	a, err := loadAuthor(n.feedKey(name))
	if err != nil {
		return Feed{}, err
	}
	f := Feed{Name: name, Address: feed.TopicName(a.id), Own: true, author: a}
	return f, n.keepFeed(f)
}

// Follow carries and reads somebody else's feed under a local name; an empty name
// is made from the address.
func (n *Node) Follow(address, name string) (Feed, error) {
	owner, ok := feed.Owner(address)
	if !ok {
		return Feed{}, fmt.Errorf("%w: %q", ErrBadAddress, address)
	}
	n.naming.Lock()
	defer n.naming.Unlock()
	for _, f := range n.Feeds() {
		if f.Address == address {
			return f, nil
		}
	}
	if name == "" {
		id := owner.String()
		name = "feed-" + strings.ToLower(id[len(id)-8:])
	}
	if !feedName.MatchString(name) {
		return Feed{}, fmt.Errorf("feed name %q: %w", name, ErrFeedName)
	}
	if _, taken := n.feed(name); taken {
		return Feed{}, fmt.Errorf("feed %q: %w: choose another name", name, ErrFeedExists)
	}
	f := Feed{Name: name, Address: address}
	return f, n.keepFeed(f)
}

// Unfollow leaves a followed feed; an own one cannot be left.
func (n *Node) Unfollow(name string) error {
	n.naming.Lock()
	defer n.naming.Unlock()
	f, ok := n.feed(name)
	if !ok {
		for _, g := range n.Feeds() {
			if g.Address == name {
				f, ok = g, true
			}
		}
	}
	switch {
	case !ok:
		return fmt.Errorf("feed %q: %w", name, ErrNoFeed)
	case f.Own:
		return fmt.Errorf("feed %q: %w", name, ErrOwnFeed)
	}
	if err := n.store.SetMeta(metaFeeds, f.Name, nil); err != nil {
		return n.orClosed(err)
	}
	n.mu.Lock()
	delete(n.feeds, f.Name)
	t := n.topics[protocol.TopicOf(f.Address)]
	n.mu.Unlock()
	if t == nil {
		return nil
	}
	return t.Leave()
}

// Feeds lists own and followed feeds by name.
func (n *Node) Feeds() []Feed {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]Feed, 0, len(n.feeds))
	for _, f := range n.feeds {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Feed) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (n *Node) feed(name string) (Feed, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f, ok := n.feeds[name]
	return f, ok
}

func (n *Node) feedKey(name string) string {
	return filepath.Join(n.home, "feeds", name+keySuffix)
}

// keepFeed remembers a feed and joins it.
func (n *Node) keepFeed(f Feed) error {
	if err := n.store.SetMeta(metaFeeds, f.Name, []byte(f.Address)); err != nil {
		return n.orClosed(err)
	}
	n.mu.Lock()
	n.feeds[f.Name] = f
	n.mu.Unlock()
	_, err := n.Join(f.Address)
	return err
}

// loadFeeds reads the feeds of an earlier run; own are those with a key. A key that
// the store does not know of counts too: the store was lost, or a crash came between
// the two.
func (n *Node) loadFeeds() error {
	entries, err := n.store.MetaEntries(metaFeeds)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f := Feed{Name: e.Key, Address: string(e.Value)}
		if _, err := os.Stat(n.feedKey(f.Name)); err == nil {
			if f.author, err = loadAuthor(n.feedKey(f.Name)); err != nil {
				return err
			}
			f.Own = feed.TopicName(f.author.id) == f.Address
		}
		n.feeds[f.Name] = f
	}
	return n.loadFeedKeys()
}

// loadFeedKeys takes in own feeds that the store has no name for.
func (n *Node) loadFeedKeys() error {
	files, err := os.ReadDir(filepath.Join(n.home, "feeds"))
	if err != nil {
		return fmt.Errorf("reading the keys of feeds: %w", err)
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), keySuffix)
		if _, known := n.feeds[name]; !ok || known || !feedName.MatchString(name) {
			continue
		}
		a, err := loadAuthor(n.feedKey(name))
		if err != nil {
			return err
		}
		n.feeds[name] = Feed{Name: name, Address: feed.TopicName(a.id), Own: true, author: a}
	}
	return nil
}

// ownAuthor returns the key of an own feed, nil for somebody else's.
func (n *Node) ownAuthor(owner protocol.PeerID) *author {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.feeds {
		if f.Own && f.author.id == owner {
			return f.author
		}
	}
	return nil
}
