package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// MaxCalls bounds the calls and streams served at once; more are refused (our
// guess).
const MaxCalls = 256

// closePatience is how long Close waits for calls that are being answered.
const closePatience = 2 * time.Second

// Server serves a daemon to its owner's commands.
type Server struct {
	http   http.Server
	ctx    context.Context // of all calls
	cancel context.CancelFunc
}

// NewServer returns a server for a daemon.
func NewServer(d Daemon) *Server {
	s := &Server{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http = http.Server{
		Handler:           limit(routes(d), MaxCalls),
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // what it would say, the caller is told
	}
	return s
}

// Serve answers calls until Close; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the control socket: %w", err)
}

// Close ends all streams, lets calls be answered for two seconds, and closes
// the listener.
func (s *Server) Close() error {
	s.cancel()
	ctx, done := context.WithTimeout(context.Background(), closePatience)
	defer done()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// limit refuses calls beyond n at once.
func limit(h http.Handler, n int) http.HandlerFunc {
	slots := make(chan struct{}, n)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		default:
			fail(w, NewError(CodeFull, fmt.Sprintf("%d calls are being answered already", n),
				"end some of the commands that read topics"))
		}
	}
}

// call answers one request with one reply.
func call[Req checked, Rep any](fn func(context.Context, Req) (Rep, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, err := decode[Req](w, r)
		if err != nil {
			fail(w, err)
			return
		}
		rep, err := fn(r.Context(), req)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, http.StatusOK, rep)
	}
}

// stream answers one request with a line for each element.
func stream[Req checked, T any](open func(context.Context, Req) (Stream[T], error), broken func(*Error) T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, err := decode[Req](w, r)
		if err != nil {
			fail(w, err)
			return
		}
		each, err := open(r.Context(), req)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		lines := &lineWriter{w: w, enc: encoder(w)}
		lines.flush() // the caller now knows that it misses nothing
		err = each(func(v T) bool { return lines.write(v) })
		if err != nil && lines.err == nil {
			lines.write(broken(explain(r.Context(), err)))
		}
	}
}

// explain says why a stream broke: where the caller is still there to be told
// and the context has ended, the daemon is stopping.
func explain(ctx context.Context, err error) *Error {
	if ctx.Err() != nil {
		return NewError(CodeStopping, "the daemon is stopping", `start it again with "quilt-peer run"`)
	}
	return asError(err)
}

// lineWriter writes objects, one a line, each as soon as it is there.
type lineWriter struct {
	w   http.ResponseWriter
	enc *json.Encoder
	err error
}

func (l *lineWriter) write(v any) bool {
	if l.err == nil {
		l.err = l.enc.Encode(v)
	}
	l.flush()
	return l.err == nil
}

func (l *lineWriter) flush() {
	if l.err == nil {
		l.err = http.NewResponseController(l.w).Flush()
	}
}

// decode reads and checks a request. No body is the same as {}.
func decode[Req checked](w http.ResponseWriter, r *http.Request) (Req, error) {
	var req Req
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil && err != io.EOF {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return req, NewError(CodeRefused, fmt.Sprintf("the request is larger than %d bytes", MaxRequest),
				fmt.Sprintf("an entry takes at most %d bytes", MaxPayload))
		}
		return req, NewError(CodeUsage, "the request is not understood: "+err.Error(),
			"command and daemon may be of different versions: restart the daemon")
	}
	return req, req.Check()
}

// fail replies with an error.
func fail(w http.ResponseWriter, err error) {
	e := asError(err)
	reply(w, e.Code.status(), e)
}

// reply writes one object.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = encoder(w).Encode(v) // the caller is gone: nobody to tell
}

// encoder leaves <, > and & alone: nothing here is HTML, and people read it.
func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
