package mirror

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newFetcher(t *testing.T, source string) *Fetcher {
	t.Helper()
	f, err := NewFetcher(source, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func fetch(t *testing.T, f *Fetcher) Document {
	t.Helper()
	doc, err := f.Fetch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// wantError fetches and returns the error, which contains want.
func wantError(t *testing.T, f *Fetcher, want string) error {
	t.Helper()
	doc, err := f.Fetch(context.Background())
	if err == nil {
		t.Fatalf("fetched %d bytes, want an error with %q", len(doc.Body), want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not contain %q", err, want)
	}
	return err
}

// TestConditional: what has been confirmed is not sent again; what has not is.
func TestConditional(t *testing.T) {
	for _, tt := range []struct{ name, header, value, ask string }{
		{"etag", "ETag", `"v1"`, "If-None-Match"},
		{"date", "Last-Modified", "Wed, 04 Mar 2026 08:00:00 GMT", "If-Modified-Since"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.UserAgent(); got != "quilt-peer/1.2.3" {
					t.Errorf("User-Agent %q", got)
				}
				w.Header().Set(tt.header, tt.value)
				if r.Header.Get(tt.ask) == tt.value {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				bodies++
				fmt.Fprint(w, "body")
			})
			f := newFetcher(t, server.URL+"/feed#part")
			fetch(t, f)
			doc := fetch(t, f) // the first was not confirmed
			if doc.NotModified || string(doc.Body) != "body" || doc.URL != server.URL+"/feed" {
				t.Fatalf("document %+v", doc)
			}
			f.Confirm(doc)
			for range 2 {
				doc = fetch(t, f)
				f.Confirm(doc)
				if !doc.NotModified || doc.Body != nil {
					t.Fatalf("document %+v", doc)
				}
			}
			if bodies != 2 {
				t.Errorf("the body was sent %d times", bodies)
			}
		})
	}
}

// TestUnasked304: an answer "not modified" to a question never asked is an error.
func TestUnasked304(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	wantError(t, newFetcher(t, server.URL), "304 Not Modified")
}

func TestRedirects(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var left int
		switch _, err := fmt.Sscanf(r.URL.Path, "/%d", &left); {
		case r.URL.Path == "/ftp":
			w.Header().Set("Location", "ftp://x.example/")
			w.WriteHeader(http.StatusFound)
		case err == nil && left > 0:
			http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusMovedPermanently)
		default:
			fmt.Fprint(w, "body")
		}
	})
	f := newFetcher(t, fmt.Sprintf("%s/%d", server.URL, MaxRedirects))
	if doc := fetch(t, f); string(doc.Body) != "body" || doc.URL != server.URL+"/0" {
		t.Errorf("document %+v", doc)
	}
	wantError(t, newFetcher(t, fmt.Sprintf("%s/%d", server.URL, MaxRedirects+1)), "more than 5 redirects")
	wantError(t, newFetcher(t, server.URL+"/ftp"), "an address of another kind, ftp")
}

// TestRedirectInwards: a document from outside cannot send us to an address inside;
// one from inside can.
func TestRedirectInwards(t *testing.T) {
	inside := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") })
	outside := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusFound) })
	at := netip.MustParseAddrPort(strings.TrimPrefix(inside.URL, "http://"))

	f := newFetcher(t, outside.URL)
	if doc := fetch(t, f); string(doc.Body) != "secret" {
		t.Errorf("from inside to inside: %+v", doc)
	}
	f.client = newClient(func(to netip.AddrPort) bool { return to == at })
	if err := wantError(t, f, "private address"); !errors.Is(err, errPrivate) {
		t.Errorf("error %v", err)
	}
	f = newFetcher(t, inside.URL) // asked for by its user, it may be read
	f.client = newClient(func(to netip.AddrPort) bool { return to == at })
	fetch(t, f)
}

func TestPrivate(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "192.168.1.1": true, "169.254.169.254": true, "0.0.0.0": true, "::1": true,
		"fe80::1": true, "fd00::1": true, "::ffff:127.0.0.1": true, "8.8.8.8": false, "2001:4860::1": false,
	} {
		if got := isPrivate(netip.AddrPortFrom(netip.MustParseAddr(addr), 80)); got != want {
			t.Errorf("isPrivate(%s) = %v", addr, got)
		}
	}
}

// TestTooLarge: by its announced length, by its body, and by what it unpacks to.
func TestTooLarge(t *testing.T) {
	chunk := make([]byte, 1<<20)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/announced":
			w.Header().Set("Content-Length", fmt.Sprint(MaxDocument+1))
			w.WriteHeader(http.StatusOK)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range MaxDocument>>20 + 1 {
				_, _ = z.Write(chunk)
			}
			_ = z.Close()
		case "/fits", "/streamed":
			for range MaxDocument >> 20 {
				_, _ = w.Write(chunk)
			}
			if r.URL.Path == "/streamed" {
				_, _ = w.Write(chunk[:1])
			}
		}
	})
	for _, path := range []string{"/announced", "/bomb", "/streamed"} {
		wantError(t, newFetcher(t, server.URL+path), "larger than 8 MiB")
	}
	if doc := fetch(t, newFetcher(t, server.URL+"/fits")); len(doc.Body) != MaxDocument {
		t.Errorf("%d bytes", len(doc.Body))
	}
}

func TestStatus(t *testing.T) {
	now := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		code              int
		retryAfter, shown string
		want              time.Duration // 0: no RetryError
	}{
		{404, "", "404 Not Found: there is no document", 0},
		{403, "", "403 Forbidden: the document needs", 0},
		{500, "", "500 Internal Server Error", 0},
		{429, "120", "429 Too Many Requests", 2 * time.Minute},
		{503, "Wed, 04 Mar 2026 08:00:30 GMT", "503 Service Unavailable", 30 * time.Second},
		{503, "Wed, 04 Mar 2026 07:00:00 GMT", "503", 0},
		{503, "99999999999", "503", maxRetryAfter},
		{503, "soon", "503", 0},
		{503, "-5", "503", 0},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tt.retryAfter)
			w.WriteHeader(tt.code)
		})
		f := newFetcher(t, server.URL)
		f.now = func() time.Time { return now }
		err := wantError(t, f, tt.shown)
		var retry *RetryError
		if errors.As(err, &retry) != (tt.want > 0) || retry != nil && retry.After != tt.want {
			t.Errorf("%d with Retry-After %q: %+v, want %v", tt.code, tt.retryAfter, retry, tt.want)
		}
	}
}

// TestSilentServer: a server that never answers is given up.
func TestSilentServer(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	f := newFetcher(t, server.URL)
	f.timeout = time.Millisecond
	wantError(t, f, "did not answer within 1ms")
}

// TestPassword: a password in an address is used, and never shown.
func TestPassword(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "u" || pass != "secret" {
			t.Errorf("credentials %q, %q", user, pass)
		}
		w.WriteHeader(http.StatusForbidden)
	})
	u, _ := url.Parse(server.URL)
	u.User = url.UserPassword("u", "secret")
	f := newFetcher(t, u.String())
	if err := wantError(t, f, "u:xxxxx@"); strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in %q", err)
	}
	server.Close()
	if err := wantError(t, f, "refused"); strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in %q", err)
	}
}

func TestSources(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"", "no source"}, {"gopher://x.example/", "cannot read from gopher://"}, {"http://", "names no host"},
		{"http://[x", "not an address"}, {"file://elsewhere/x", "cannot read from file://"},
	} {
		if _, err := NewFetcher(tt.source, ""); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewFetcher(%q): %v, want %q", tt.source, err, tt.want)
		}
	}
	if f := newFetcher(t, "some/feed.xml"); !filepath.IsAbs(f.source.path) {
		t.Errorf("path %q", f.source.path)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "feed.xml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := newFetcher(t, "file://"+filepath.ToSlash(path))
	wantError(t, f, "feed.xml")
	write("one")
	doc := fetch(t, f)
	if string(doc.Body) != "one" || doc.URL != "" {
		t.Errorf("document %+v", doc)
	}
	f.Confirm(doc)
	if doc = fetch(t, f); !doc.NotModified {
		t.Errorf("document %+v", doc)
	}
	write("three")
	if doc = fetch(t, f); string(doc.Body) != "three" {
		t.Errorf("document %+v", doc)
	}
	if err := os.Truncate(path, MaxDocument+1); err != nil {
		t.Fatal(err)
	}
	wantError(t, f, "larger than 8 MiB")
	wantError(t, newFetcher(t, dir), "not a file that can be read")
}
