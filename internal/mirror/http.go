package mirror

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// maxRetryAfter caps what a server may ask for: our guess.
const maxRetryAfter = 24 * time.Hour

// RetryError is a refusal of a server that says when to come again.
type RetryError struct {
	Err   error
	After time.Duration // from now; above zero, at most a day
}

func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns the refusal itself.
func (e *RetryError) Unwrap() error { return e.Err }

// statusError explains an answer that is no document.
func (f *Fetcher) statusError(resp *http.Response) error {
	hint := ""
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = ": the document needs a password, or the server refuses this program"
	case http.StatusNotFound, http.StatusGone:
		hint = ": there is no document at this address (any more)"
	}
	err := fmt.Errorf("%s answered %d %s%s", f.source.shown,
		resp.StatusCode, http.StatusText(resp.StatusCode), hint)
	if after := retryAfter(resp.Header.Get("Retry-After"), f.now()); after > 0 {
		return &RetryError{Err: err, After: after}
	}
	return err
}

// retryAfter reads a Retry-After header: "either an HTTP-date or a number of
// seconds" (RFC 9110, section 10.2.3). Zero: there is none, or it is past.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		if seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), maxRetryAfter))
}

// hop is one step of a fetch, carried in its context to the dialer.
type hop struct {
	redirected bool
	proxied    bool         // the address dialed is a proxy's: it decides what is reached
	public     *atomic.Bool // some step of this fetch went to a public address
}

type hopKey struct{}

var errPrivate = errors.New("the server redirects to a private address, which a public document has no business with")

// get follows redirects itself, so that it knows at every hop where it comes
// from: a document from outside must not make this host read, and publish, what
// only this host can reach.
func (f *Fetcher) get(ctx context.Context) (*http.Response, error) {
	at := f.source.url
	var public atomic.Bool
	for n := range MaxRedirects + 1 {
		req, err := f.request(ctx, at)
		if err != nil {
			return nil, err
		}
		proxy, err := http.ProxyFromEnvironment(req)
		step := hop{redirected: n > 0, proxied: err == nil && proxy != nil, public: &public}
		resp, err := f.client.Do(req.WithContext(context.WithValue(ctx, hopKey{}, step)))
		if err != nil {
			return nil, withoutURL(err)
		}
		next, err := redirect(resp)
		if next == nil || err != nil {
			return resp, err
		}
		resp.Body.Close()
		at = next
	}
	return nil, fmt.Errorf("more than %d redirects", MaxRedirects)
}

func (f *Fetcher) request(ctx context.Context, at *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "application/feed+json, application/atom+xml, application/rss+xml, "+
		"application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1")
	if f.known.etag != "" {
		req.Header.Set("If-None-Match", f.known.etag)
	}
	if f.known.lastModified != "" {
		req.Header.Set("If-Modified-Since", f.known.lastModified)
	}
	return req, nil
}

// redirect returns where resp sends the client, nil where it is the answer; on an
// error the answer's body is closed.
func redirect(resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	next, err := resp.Location()
	if err == nil && next.Scheme != "http" && next.Scheme != "https" {
		err = fmt.Errorf("redirected to an address of another kind, %s", next.Scheme)
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return next, nil
}

// newClient returns a client that follows no redirects and, once redirected from
// a public address, connects to no private one.
func newClient(private func(netip.AddrPort) bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second,
		ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
			step, ok := ctx.Value(hopKey{}).(hop)
			to, err := netip.ParseAddrPort(address)
			switch {
			case !ok || step.proxied || err != nil:
			case !private(to):
				step.public.Store(true)
			case step.redirected && step.public.Load():
				return errPrivate
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: dialer.DialContext,
			// One request in minutes: a connection kept would only be a
			// connection whose address was checked for another request.
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// isPrivate reports whether only this host, or its neighbours, can reach to.
func isPrivate(to netip.AddrPort) bool {
	ip := to.Addr().Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
}

// withoutURL drops the request line that net/http puts before an error: the
// source is named already.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
