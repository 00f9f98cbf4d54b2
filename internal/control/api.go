package control

import (
	"context"
	"io"
	"time"
)

// Daemon is what a running peer can be asked. Every method may be called from
// several goroutines. An error that wraps *[Error] keeps its code and hint on
// the way to the caller; any other becomes [CodeFailure].
type Daemon interface {
	// Publish signs, stores and sends one entry. It returns once the entry is
	// safe on this host's disk and, with Wait, has been stored by that many
	// others or Timeout has passed: running out of time is no error, StoredBy
	// tells.
	Publish(ctx context.Context, req PublishRequest) (PublishReply, error)

	// PublishFile signs, stores and sends one entry that names a file, and keeps the
	// file's bytes, which are read from content and not held in memory. Otherwise as
	// Publish.
	PublishFile(ctx context.Context, req PublishFileRequest, content io.Reader) (PublishReply, error)
	// File tells how much of a file is here.
	File(ctx context.Context, req FileRequest) (FileInfo, error)
	// FileContent reads a file all of which is here, and tells its size in bytes.
	FileContent(ctx context.Context, req FileRequest) (io.Reader, int64, error)

	// Subscribe reads a topic, joining it where needed. It returns once nothing
	// published from now on can be missed. The stream ends with ctx, with
	// the Count-th entry, or with an error.
	Subscribe(ctx context.Context, req SubscribeRequest) (Stream[Event], error)

	// NewFeed makes a feed with a key of its own.
	NewFeed(ctx context.Context, name string) (FeedInfo, error)
	// Feeds lists own and followed feeds, sorted by name.
	Feeds(ctx context.Context) ([]FeedInfo, error)
	// Follow starts to follow the feed with this address, or makes contact with
	// the peers of a ticket and follows all feeds that it names. To follow again
	// what is followed already is no error.
	Follow(ctx context.Context, req FollowRequest) ([]FeedInfo, error)
	// Unfollow leaves a followed feed (local name or address). Own feeds are
	// refused.
	Unfollow(ctx context.Context, name string) error

	// AddMirror polls the source once, publishes what is new, and unless Once
	// keeps doing so over restarts.
	AddMirror(ctx context.Context, req MirrorRequest) (MirrorInfo, error)
	// RemoveMirror stops mirroring into a feed. The feed stays.
	RemoveMirror(ctx context.Context, feed string) error
	// Mirrors lists what is being mirrored, sorted by feed.
	Mirrors(ctx context.Context) ([]MirrorInfo, error)

	// Ticket makes a ticket to this peer that also names the given feeds (local
	// names or addresses).
	Ticket(ctx context.Context, feeds []string) (string, error)
	// AddTicket makes contact with the peers a ticket names. It does not follow
	// the feeds in it.
	AddTicket(ctx context.Context, ticket string) error

	// Peers lists linked peers, sorted by ID.
	Peers(ctx context.Context) ([]PeerInfo, error)
	// Status is one screen's worth of everything.
	Status(ctx context.Context) (StatusInfo, error)
	// Environment is where the peer is, as far as it knows: it locates the peer, and
	// is for whoever runs it.
	Environment(ctx context.Context) (EnvironmentInfo, error)
	// Events tells what the daemon does, from now until ctx ends. A reader that
	// is too slow loses notices, never holds up the daemon.
	Events(ctx context.Context) (Stream[Notice], error)
	// Stop asks the daemon to end in good order. It returns before it has.
	// The command that runs the daemon puts its own Stop in front of this one.
	Stop(ctx context.Context) error
}

// Stream calls yield for each element in order until there are no more, yield
// returns false (then the error is nil), or something breaks.
type Stream[T any] func(yield func(T) bool) error

// Bounds of what a request may hold. The body of one that fits is at most
// MaxRequest bytes: a payload is base64 at worst, or text all of whose bytes are
// escaped.
const (
	MaxPayload     = 1000 << 10 // bytes; as package feed has it
	MaxContentType = 128        // bytes; as package feed has it
	MaxName        = 64         // bytes of a feed's local name (our guess)
	MaxTicketFeeds = 8          // as in a ticket
	MaxWait        = 1000       // peers to wait for (our guess)
	MaxOnce        = 256        // bytes of a once key (our guess)
	MaxRequest     = 6*MaxPayload + 64<<10
)

// PublishRequest is one entry to publish.
type PublishRequest struct {
	// Topic is a local feed name, a feed's address, or an open topic's name.
	// A local feed name wins; a leading "#" always means an open topic.
	Topic       string `json:"topic"`
	ContentType string `json:"content_type,omitempty"`
	Body
	// Wait is the number of other peers that must have stored the entry.
	Wait int `json:"wait,omitempty"`
	// Timeout bounds the waiting for others; 0 means until the caller gives up.
	Timeout Duration `json:"timeout,omitzero"`
	// Once is a key under which this topic gets at most one entry, ever; a
	// second publication returns the first with Duplicate set.
	Once string `json:"once,omitempty"`
}

// PublishReply is where the entry went.
type PublishReply struct {
	Topic     string `json:"topic"`      // as a person names it here
	TopicName string `json:"topic_name"` // as it is named on the network
	Seq       uint64 `json:"seq"`
	ID        string `json:"id"` // 64 hexadecimal digits
	StoredBy  int    `json:"stored_by"`
	Duplicate bool   `json:"duplicate,omitempty"`
	// File is set by PublishFile.
	File *FileInfo `json:"file,omitempty"`
}

// SubscribeRequest says what to read.
type SubscribeRequest struct {
	Topic string `json:"topic"` // as in PublishRequest
	// Since is where to begin, see [ParseSince]; empty means all.
	Since string `json:"since,omitempty"`
	// Count ends the stream after so many entries; 0 means never.
	Count int `json:"count,omitempty"`
	// Files asks for events of how far the files are that entries name; the stream then
	// ends only when all of those are here.
	Files bool `json:"files,omitempty"`
}

// Types of Event.
const (
	EventEntry = "entry"
	EventGap   = "gap"  // entries First to Last are missing; later ones go on
	EventFork  = "fork" // two different entries with number Seq: ID and OtherID
	EventError = "error"
	// How far the file is that an entry named, and that all of it is here.
	EventProgress = "progress"
	EventFile     = "file"
)

// Event is one thing that a reader of a topic learns.
type Event struct {
	Type      string `json:"type"`
	Topic     string `json:"topic,omitempty"`      // as a person names it here
	TopicName string `json:"topic_name,omitempty"` // as it is named on the network
	Author    string `json:"author,omitempty"`     // base58 peer ID
	Seq       uint64 `json:"seq,omitempty"`
	ID        string `json:"id,omitempty"`       // 64 hexadecimal digits
	OtherID   string `json:"other_id,omitempty"` // fork: the second entry
	// Time is by the author's clock, Received by this host's.
	Time        time.Time `json:"time,omitzero"`
	Received    time.Time `json:"received,omitzero"`
	ContentType string    `json:"content_type,omitempty"`
	Body
	// File is set for an entry that names a file; it then has no payload.
	File *FileInfo `json:"file,omitempty"`
	// ReceivedFrom is the peer that sent it; empty for own entries.
	ReceivedFrom string `json:"received_from,omitempty"`
	// First and Last bound a gap, both inclusive.
	First uint64 `json:"first,omitempty"`
	Last  uint64 `json:"last,omitempty"`
	// Late marks an entry that came after its gap was reported.
	Late bool `json:"late,omitempty"`
	// Failure is set in the last line of a stream that broke.
	Failure *Error `json:"failure,omitempty"`
}

// FeedInfo describes an own or a followed feed.
type FeedInfo struct {
	Name    string `json:"name"`    // local name
	Address string `json:"address"` // "/quilt/feed/…"
	Own     bool   `json:"own"`
	Entries uint64 `json:"entries"`         // held here
	First   uint64 `json:"first,omitempty"` // lowest number held; 0 if none
	Last    uint64 `json:"last,omitempty"`  // highest number held; 0 if none
	Missing uint64 `json:"missing"`         // known to exist between them, not held
	Forked  bool   `json:"forked,omitempty"`
	// Mirror is the source this feed mirrors, if any.
	Mirror string `json:"mirror,omitempty"`
	// Neighbours is the number of peers it is exchanged with now.
	Neighbours int `json:"neighbours"`
}

// FollowRequest names a feed, or brings a ticket that names some.
type FollowRequest struct {
	Address string `json:"address"` // feed address or ticket
	// Name is the local name; empty lets the daemon choose. Refused with a
	// ticket that names several feeds.
	Name string `json:"name,omitempty"`
}

// MirrorRequest asks for a document to be mirrored into an own feed.
type MirrorRequest struct {
	Source   string   `json:"source"`            // http(s) URL or absolute path
	Feed     string   `json:"feed"`              // own feed, made if needed
	Interval Duration `json:"interval,omitzero"` // 0 means 5 minutes
	Once     bool     `json:"once,omitempty"`    // poll once, then forget it
}

// MirrorInfo tells how a mirror does.
type MirrorInfo struct {
	Source    string    `json:"source"`
	Feed      string    `json:"feed"`
	Address   string    `json:"address"`
	Interval  Duration  `json:"interval,omitzero"`
	Published int       `json:"published"` // by the poll of AddMirror, else since the daemon started
	LastPoll  time.Time `json:"last_poll,omitzero"`
	NextPoll  time.Time `json:"next_poll,omitzero"`
	LastError string    `json:"last_error,omitempty"`
}

// PeerInfo is one linked peer.
type PeerInfo struct {
	ID        string    `json:"id"`
	Address   string    `json:"address"`
	Inbound   bool      `json:"inbound"`
	Transport string    `json:"transport"` // "quic", "tcp", "wss", "webtransport", "relay" or "unknown"
	Since     time.Time `json:"since,omitzero"`
	RTTMillis float64   `json:"rtt_ms"`
	Suspected bool      `json:"suspected,omitempty"`
	Relayed   bool      `json:"relayed,omitempty"` // a third peer passes on what is said
	Topics    []string  `json:"topics,omitempty"`  // shared with it, by local name
	BytesIn   uint64    `json:"bytes_in"`
	BytesOut  uint64    `json:"bytes_out"`
}

// StatusInfo is the state of the daemon.
type StatusInfo struct {
	ID        string        `json:"id"`
	Version   string        `json:"version"`
	Home      string        `json:"home"`
	PID       int           `json:"pid"`
	Started   time.Time     `json:"started,omitzero"`
	UptimeS   float64       `json:"uptime_s"`
	Addresses []string      `json:"addresses"`
	Links     LinkCounts    `json:"links"`
	Known     int           `json:"known_peers"` // in the address book
	Topics    []TopicInfo   `json:"topics"`
	Mirrors   []MirrorInfo  `json:"mirrors"`
	Store     StoreInfo     `json:"store"`
	Traffic   Traffic       `json:"traffic"`
	Traversal TraversalInfo `json:"traversal"`
	// Refused counts refused input by reason, sorted by name; zero counts left out.
	Refused []Counter `json:"refused"`
	// Counters are all other counters worth seeing, sorted by name.
	Counters []Counter `json:"counters,omitempty"`
}

// LinkCounts counts links by direction.
type LinkCounts struct {
	Inbound   int `json:"inbound"`
	Outbound  int `json:"outbound"`
	Suspected int `json:"suspected"`
}

// Kinds of TopicInfo.
const (
	KindOwn      = "own"      // own feed
	KindFollowed = "followed" // somebody else's feed
	KindOpen     = "open"     // open topic
)

// TopicInfo is one joined topic.
type TopicInfo struct {
	Name       string `json:"name"`       // as a person names it here
	TopicName  string `json:"topic_name"` // as it is named on the network
	Kind       string `json:"kind"`
	Entries    uint64 `json:"entries"` // held
	Last       uint64 `json:"last,omitempty"`
	Missing    uint64 `json:"missing"`
	Bytes      uint64 `json:"bytes"`
	Neighbours int    `json:"neighbours"`
	Readers    int    `json:"readers"`    // local subscriptions
	Received   uint64 `json:"received"`   // copies of entries since the daemon started
	Duplicates uint64 `json:"duplicates"` // of those, already held
	Repaired   uint64 `json:"repaired"`   // of those, by repair
}

// StoreInfo is what the disk holds.
type StoreInfo struct {
	Path  string `json:"path"`
	Items uint64 `json:"items"`
	Bytes uint64 `json:"bytes"` // file size
	Quota uint64 `json:"quota"` // 0: none
	Full  bool   `json:"full,omitempty"`
	// LargeBytes is what large files take, beside the items, LargeQuota what they may.
	LargeBytes uint64 `json:"large_bytes"`
	LargeQuota uint64 `json:"large_quota"`
}

// Traffic counts bytes over links since the daemon started.
type Traffic struct {
	BytesIn   uint64 `json:"bytes_in"`
	BytesOut  uint64 `json:"bytes_out"`
	FramesIn  uint64 `json:"frames_in"`
	FramesOut uint64 `json:"frames_out"`
	Dropped   uint64 `json:"dropped"` // outgoing frames given up
}

// Counter is a named count.
type Counter struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// Types of Notice.
const (
	NoticePeerUp    = "peer_up"
	NoticePeerDown  = "peer_down"
	NoticeEntry     = "entry"     // one of somebody else's arrived and is stored
	NoticePublished = "published" // an own entry is stored
	NoticeGap       = "gap"
	NoticeFork      = "fork"
	NoticeMirror    = "mirror"
	NoticeTopic     = "topic" // joined or left
	NoticeWarning   = "warning"
	NoticeError     = "error" // the stream broke
)

// Notice is something the daemon did, for a person who watches. Text is the
// whole of it in words; the other fields are set where they apply.
type Notice struct {
	Type  string    `json:"type"`
	Time  time.Time `json:"time,omitzero"`
	Text  string    `json:"text"`
	Peer  string    `json:"peer,omitempty"`
	Topic string    `json:"topic,omitempty"`
	Seq   uint64    `json:"seq,omitempty"`
	ID    string    `json:"id,omitempty"`
	// Repaired: the entry came by repair, not by the fast path.
	Repaired bool `json:"repaired,omitempty"`
	// Failure is set in the last line of a stream that broke.
	Failure *Error `json:"failure,omitempty"`
}
