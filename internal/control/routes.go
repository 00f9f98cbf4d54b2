package control

import (
	"context"
	"net/http"
)

// The paths. Those that take nothing are GET, except stop.
const (
	pathPublish      = "/v1/publish"
	pathSubscribe    = "/v1/subscribe" // stream of Event
	pathFeeds        = "/v1/feeds"
	pathNewFeed      = "/v1/feeds/new"
	pathFollow       = "/v1/feeds/follow"
	pathUnfollow     = "/v1/feeds/unfollow"
	pathMirrors      = "/v1/mirrors"
	pathAddMirror    = "/v1/mirrors/add"
	pathRemoveMirror = "/v1/mirrors/remove"
	pathTicket       = "/v1/ticket"
	pathAddTicket    = "/v1/ticket/add"
	pathPeers        = "/v1/peers"
	pathStatus       = "/v1/status"
	pathEnvironment  = "/v1/environment"
	pathEvents       = "/v1/events" // stream of Notice
	pathStop         = "/v1/stop"
)

// Requests and replies that have no struct in the API.
type (
	empty       struct{}
	nameRequest struct {
		Name string `json:"name"`
	}
	newFeedRequest struct {
		Name string `json:"name"`
	}
	ticketRequest struct {
		Feeds []string `json:"feeds,omitempty"`
	}
	ticketReply struct {
		Ticket string `json:"ticket"`
	}
	addTicketRequest struct {
		Ticket string `json:"ticket"`
	}
)

// routes puts every method of a daemon on its path.
func routes(d Daemon) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST "+pathPublish, call(d.Publish))
	fileRoutes(mux, d)
	mux.Handle("POST "+pathSubscribe, stream(d.Subscribe, func(e *Error) Event {
		return Event{Type: EventError, Failure: e}
	}))
	mux.Handle("GET "+pathEvents, stream(func(ctx context.Context, _ empty) (Stream[Notice], error) {
		return d.Events(ctx)
	}, func(e *Error) Notice {
		return Notice{Type: NoticeError, Text: e.Error(), Failure: e}
	}))

	mux.Handle("GET "+pathFeeds, get(d.Feeds))
	mux.Handle("POST "+pathNewFeed, call(func(ctx context.Context, r newFeedRequest) (FeedInfo, error) {
		return d.NewFeed(ctx, r.Name)
	}))
	mux.Handle("POST "+pathFollow, call(d.Follow))
	mux.Handle("POST "+pathUnfollow, do(func(ctx context.Context, r nameRequest) error {
		return d.Unfollow(ctx, r.Name)
	}))
	mux.Handle("GET "+pathMirrors, get(d.Mirrors))
	mux.Handle("POST "+pathAddMirror, call(d.AddMirror))
	mux.Handle("POST "+pathRemoveMirror, do(func(ctx context.Context, r nameRequest) error {
		return d.RemoveMirror(ctx, r.Name)
	}))

	mux.Handle("POST "+pathTicket, call(func(ctx context.Context, r ticketRequest) (ticketReply, error) {
		t, err := d.Ticket(ctx, r.Feeds)
		return ticketReply{t}, err
	}))
	mux.Handle("POST "+pathAddTicket, do(func(ctx context.Context, r addTicketRequest) error {
		return d.AddTicket(ctx, r.Ticket)
	}))
	mux.Handle("GET "+pathPeers, get(d.Peers))
	mux.Handle("GET "+pathStatus, get(d.Status))
	mux.Handle("GET "+pathEnvironment, get(d.Environment))
	mux.Handle("POST "+pathStop, do(func(ctx context.Context, _ empty) error { return d.Stop(ctx) }))

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, NewError(CodeNotFound, "there is no "+r.Method+" "+r.URL.Path,
			"command and daemon may be of different versions: restart the daemon"))
	})
	return mux
}

// get adapts a method that takes nothing.
func get[Rep any](fn func(context.Context) (Rep, error)) http.HandlerFunc {
	return call(func(ctx context.Context, _ empty) (Rep, error) { return fn(ctx) })
}

// do adapts a method that returns nothing.
func do[Req checked](fn func(context.Context, Req) error) http.HandlerFunc {
	return call(func(ctx context.Context, req Req) (empty, error) { return empty{}, fn(ctx, req) })
}
