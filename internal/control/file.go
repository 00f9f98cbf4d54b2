package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/quilt-p2p/quilt/large"
)

// FileFrom is the size in bytes from which on a file is published by PublishFile: its
// bytes then travel beside the entry, in pieces.
const FileFrom = large.DefaultSegment + 1

// MaxFile bounds a file in bytes.
const MaxFile = large.MaxSize

// PublishFileRequest is a file to publish; its bytes come beside it.
type PublishFileRequest struct {
	Topic       string `json:"topic"` // as in PublishRequest
	ContentType string `json:"content_type,omitempty"`
	// Name is what the file is called, without directories. Size is its length in bytes.
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Wait, Timeout and Once are as in PublishRequest; who has stored a file has all of
	// it.
	Wait    int      `json:"wait,omitempty"`
	Timeout Duration `json:"timeout,omitzero"`
	Once    string   `json:"once,omitempty"`
}

// Check reports what makes no sense about the request.
func (r PublishFileRequest) Check() error {
	none := ""
	err := PublishRequest{Topic: r.Topic, ContentType: r.ContentType, Body: Body{Text: &none}, Wait: r.Wait, Timeout: r.Timeout, Once: r.Once}.Check()
	switch {
	case err != nil:
		return err
	case r.Size < 1:
		return NewError(CodeRefused, "the file is empty", "publish something")
	case r.Size > MaxFile:
		return NewError(CodeRefused, fmt.Sprintf("the file has %d bytes, at most %d (%d GiB) can be published", r.Size, int64(MaxFile), int64(MaxFile)>>30),
			"publish it in parts")
	case len(r.Name) > 4*large.MaxName:
		return usagef("the file's name has %d bytes", len(r.Name))
	}
	return nil
}

// FileRequest names a file by the entry that brought it.
type FileRequest struct {
	Topic string `json:"topic"` // as in PublishRequest
	ID    string `json:"id"`    // of the entry, 64 hexadecimal digits
}

// Check reports what makes no sense about the request.
func (r FileRequest) Check() error {
	if len(r.ID) != 64 {
		return usagef("%q is no entry's ID", r.ID)
	}
	return checkTopic(r.Topic)
}

// FileInfo describes a file that an entry names.
type FileInfo struct {
	// Name is the author's word; SafeName can be a file's name anywhere.
	Name     string `json:"name"`
	SafeName string `json:"safe_name"`
	Root     string `json:"root"` // 64 hexadecimal digits: names the content
	Size     int64  `json:"size"`
	// Held is how many bytes of it are here.
	Held     int64 `json:"held"`
	Complete bool  `json:"complete"`
	// NoRoom: it is not fetched for want of space.
	NoRoom bool `json:"no_room,omitempty"`
}

// requestHeader has the request where the body is a file's bytes.
const requestHeader = "Quilt-Request"

// Paths of files.
const (
	pathPublishFile = "/v1/publish/file"
	pathFile        = "/v1/file"
	pathFileContent = "/v1/file/content"
)

// fileRoutes puts what has to do with files on its paths.
func fileRoutes(mux *http.ServeMux, d Daemon) {
	mux.Handle("POST "+pathFile, call(d.File))
	mux.HandleFunc("POST "+pathPublishFile, func(w http.ResponseWriter, r *http.Request) {
		var req PublishFileRequest
		text, err := url.QueryUnescape(r.Header.Get(requestHeader))
		if err == nil {
			err = json.Unmarshal([]byte(text), &req)
		}
		if err != nil {
			fail(w, usagef("the header %s is not understood: %v", requestHeader, err))
			return
		}
		if err := req.Check(); err != nil {
			fail(w, err)
			return
		}
		rep, err := d.PublishFile(r.Context(), req, r.Body)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, http.StatusOK, rep)
	})
	mux.HandleFunc("POST "+pathFileContent, func(w http.ResponseWriter, r *http.Request) {
		req, err := decode[FileRequest](w, r)
		if err != nil {
			fail(w, err)
			return
		}
		content, size, err := d.FileContent(r.Context(), req)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.CopyN(w, content, size) // fewer bytes than announced tell that it broke
	})
}

// PublishFile implements Daemon.
func (c *Client) PublishFile(ctx context.Context, req PublishFileRequest, content io.Reader) (PublishReply, error) {
	var v PublishReply
	text, err := json.Marshal(req)
	if err != nil {
		return v, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://quilt"+pathPublishFile, io.NopCloser(content))
	if err != nil {
		return v, err
	}
	r.Header.Set(requestHeader, url.QueryEscape(string(text)))
	rep, err := c.do(ctx, r)
	if err != nil {
		return v, err
	}
	defer rep.Body.Close()
	if err := json.NewDecoder(rep.Body).Decode(&v); err != nil {
		return v, c.unreachable(ctx, err)
	}
	return v, nil
}

// File implements Daemon.
func (c *Client) File(ctx context.Context, req FileRequest) (FileInfo, error) {
	return ask[FileInfo](ctx, c, http.MethodPost, pathFile, req)
}

// FileContent implements Daemon. The reader must be read to its end, or ctx cancelled.
func (c *Client) FileContent(ctx context.Context, req FileRequest) (io.Reader, int64, error) {
	rep, err := c.post(ctx, http.MethodPost, pathFileContent, req)
	if err != nil {
		return nil, 0, err
	}
	return rep.Body, rep.ContentLength, nil
}
