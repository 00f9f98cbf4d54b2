package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Bounds of a fetch. Our guesses: the largest real documents we know of (podcast
// archives) have some 5 MiB.
const (
	// MaxDocument is the size above which a document is refused, in bytes after
	// decompression.
	MaxDocument = 8 << 20
	// MaxRedirects is the number of redirects followed in one fetch.
	MaxRedirects = 5
	// DefaultTimeout bounds one fetch, redirects and body included.
	DefaultTimeout = 60 * time.Second
	// maxErrorBody is how much of an error answer is read, to free the connection.
	maxErrorBody = 64 << 10
	// maxValidator bounds an ETag or Last-Modified that is sent back.
	maxValidator = 1024
)

// Document is what a fetch brought.
type Document struct {
	// Body is nil if and only if NotModified.
	Body []byte
	// URL is where the document was found after redirects, the base of relative
	// links in it; empty for a file.
	URL string
	// NotModified: it is the document last given to Confirm.
	NotModified bool

	// validators name this version of the document.
	validators validators
}

// validators are what a server (or a file's metadata) says about a version.
type validators struct{ etag, lastModified string }

func (v validators) zero() bool { return v == validators{} }

// Fetcher reads one source. It is not safe for concurrent use.
type Fetcher struct {
	source  source
	client  *http.Client
	agent   string
	timeout time.Duration
	now     func() time.Time
	known   validators
}

// NewFetcher returns a Fetcher of source: an http or https address, a file
// address, or a path. version is the program's, for the User-Agent.
func NewFetcher(source, version string) (*Fetcher, error) {
	s, err := parseSource(source)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = "dev"
	}
	return &Fetcher{
		source:  s,
		client:  newClient(isPrivate),
		agent:   "quilt-peer/" + version,
		timeout: DefaultTimeout,
		now:     time.Now,
	}, nil
}

// Fetch reads the document; where it is the one last given to Confirm, it says so
// instead. Errors are for a person; a server's wish to be left alone for a while
// is a *RetryError.
func (f *Fetcher) Fetch(ctx context.Context) (Document, error) {
	if f.source.path != "" {
		return f.fetchFile()
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	doc, err := f.fetchURL(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return doc, fmt.Errorf("%s did not answer within %v: %w", f.source.shown, f.timeout, err)
	}
	return doc, err
}

// Confirm says that everything in doc has been dealt with: from now on Fetch may
// answer NotModified for it.
func (f *Fetcher) Confirm(doc Document) {
	if !doc.NotModified {
		f.known = doc.validators
	}
}

func (f *Fetcher) fetchURL(ctx context.Context) (Document, error) {
	resp, err := f.get(ctx)
	if err != nil {
		return Document{}, fmt.Errorf("reading %s: %w", f.source.shown, err)
	}
	defer resp.Body.Close()
	doc := Document{URL: resp.Request.URL.String()}
	switch {
	case resp.StatusCode == http.StatusNotModified && !f.known.zero():
		doc.NotModified = true
		return doc, nil
	case resp.StatusCode != http.StatusOK:
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
		return doc, f.statusError(resp)
	case resp.ContentLength > MaxDocument:
		return doc, f.tooLarge()
	}
	doc.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxDocument+1))
	if err != nil {
		return Document{}, fmt.Errorf("reading %s: %w", f.source.shown, err)
	}
	if len(doc.Body) > MaxDocument {
		return Document{}, f.tooLarge()
	}
	doc.validators = validators{
		etag:         bounded(resp.Header.Get("ETag"), maxValidator),
		lastModified: bounded(resp.Header.Get("Last-Modified"), maxValidator),
	}
	return doc, nil
}

func (f *Fetcher) tooLarge() error {
	return fmt.Errorf("%s is larger than %d MiB, which no feed should be", f.source.shown, MaxDocument>>20)
}

// fetchFile reads a file. Its size and time of modification stand in for an ETag.
func (f *Fetcher) fetchFile() (Document, error) {
	info, err := os.Stat(f.source.path) // before opening: opening a FIFO blocks
	if err != nil {
		return Document{}, err
	}
	if !info.Mode().IsRegular() {
		return Document{}, fmt.Errorf("%s is not a file that can be read as a feed", f.source.path)
	}
	if info.Size() > MaxDocument {
		return Document{}, f.tooLarge()
	}
	v := validators{etag: fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())}
	if v == f.known {
		return Document{NotModified: true}, nil
	}
	file, err := os.Open(f.source.path)
	if err != nil {
		return Document{}, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, MaxDocument+1))
	if err != nil {
		return Document{}, err
	}
	if len(body) > MaxDocument {
		return Document{}, f.tooLarge()
	}
	return Document{Body: body, validators: v}, nil
}

// source is where a document is.
type source struct {
	url   *url.URL // nil for a file
	path  string   // absolute; empty for a URL
	shown string   // for a person, without a password
}

// parseSource understands http://…, https://…, file://… and paths.
func parseSource(s string) (source, error) {
	u, err := url.Parse(s)
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return source{}, errors.New("no source is given: give the address of a feed document, or a file")
	case !isURL:
		return fileSource(s)
	case err != nil:
		return source{}, fmt.Errorf("%q is not an address: give http://…, https://… or a file", s)
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		return fileSource(u.Path)
	case u.Scheme != "http" && u.Scheme != "https":
		return source{}, fmt.Errorf("cannot read from %s://: give http://…, https://… or a file", scheme)
	case u.Host == "":
		return source{}, fmt.Errorf("%q names no host", s)
	}
	u.Fragment = ""
	return source{url: u, shown: u.Redacted()}, nil
}

// fileSource makes the path independent of the working directory.
func fileSource(path string) (source, error) {
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/") // file:///C:/… has the path /C:/…
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return source{}, err
	}
	return source{path: abs, shown: abs}, nil
}

// bounded returns s, or nothing where it is longer than limit.
func bounded(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	return s
}
