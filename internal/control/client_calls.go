package control

import (
	"context"
	"net/http"
)

// Publish implements Daemon.
func (c *Client) Publish(ctx context.Context, req PublishRequest) (PublishReply, error) {
	return ask[PublishReply](ctx, c, http.MethodPost, pathPublish, req)
}

// Subscribe implements Daemon.
func (c *Client) Subscribe(ctx context.Context, req SubscribeRequest) (Stream[Event], error) {
	return read(ctx, c, http.MethodPost, pathSubscribe, req, func(e Event) *Error { return e.Failure })
}

// Events implements Daemon.
func (c *Client) Events(ctx context.Context) (Stream[Notice], error) {
	return read(ctx, c, http.MethodGet, pathEvents, nil, func(n Notice) *Error { return n.Failure })
}

// NewFeed implements Daemon.
func (c *Client) NewFeed(ctx context.Context, name string) (FeedInfo, error) {
	return ask[FeedInfo](ctx, c, http.MethodPost, pathNewFeed, newFeedRequest{name})
}

// Feeds implements Daemon.
func (c *Client) Feeds(ctx context.Context) ([]FeedInfo, error) {
	return ask[[]FeedInfo](ctx, c, http.MethodGet, pathFeeds, nil)
}

// Follow implements Daemon.
func (c *Client) Follow(ctx context.Context, req FollowRequest) ([]FeedInfo, error) {
	return ask[[]FeedInfo](ctx, c, http.MethodPost, pathFollow, req)
}

// Unfollow implements Daemon.
func (c *Client) Unfollow(ctx context.Context, name string) error {
	_, err := ask[empty](ctx, c, http.MethodPost, pathUnfollow, nameRequest{name})
	return err
}

// AddMirror implements Daemon.
func (c *Client) AddMirror(ctx context.Context, req MirrorRequest) (MirrorInfo, error) {
	return ask[MirrorInfo](ctx, c, http.MethodPost, pathAddMirror, req)
}

// RemoveMirror implements Daemon.
func (c *Client) RemoveMirror(ctx context.Context, feed string) error {
	_, err := ask[empty](ctx, c, http.MethodPost, pathRemoveMirror, nameRequest{feed})
	return err
}

// Mirrors implements Daemon.
func (c *Client) Mirrors(ctx context.Context) ([]MirrorInfo, error) {
	return ask[[]MirrorInfo](ctx, c, http.MethodGet, pathMirrors, nil)
}

// Ticket implements Daemon.
func (c *Client) Ticket(ctx context.Context, feeds []string) (string, error) {
	rep, err := ask[ticketReply](ctx, c, http.MethodPost, pathTicket, ticketRequest{feeds})
	return rep.Ticket, err
}

// AddTicket implements Daemon.
func (c *Client) AddTicket(ctx context.Context, ticket string) error {
	_, err := ask[empty](ctx, c, http.MethodPost, pathAddTicket, addTicketRequest{ticket})
	return err
}

// Peers implements Daemon.
func (c *Client) Peers(ctx context.Context) ([]PeerInfo, error) {
	return ask[[]PeerInfo](ctx, c, http.MethodGet, pathPeers, nil)
}

// Status implements Daemon.
func (c *Client) Status(ctx context.Context) (StatusInfo, error) {
	return ask[StatusInfo](ctx, c, http.MethodGet, pathStatus, nil)
}

// Environment implements Daemon.
func (c *Client) Environment(ctx context.Context) (EnvironmentInfo, error) {
	return ask[EnvironmentInfo](ctx, c, http.MethodGet, pathEnvironment, nil)
}

// Stop implements Daemon.
func (c *Client) Stop(ctx context.Context) error {
	_, err := ask[empty](ctx, c, http.MethodPost, pathStop, empty{})
	return err
}
