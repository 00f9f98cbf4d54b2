package main

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// newsSite serves an RSS document that grows.
type newsSite struct {
	server http.Server
	base   string

	mu sync.Mutex
	n  int // articles written so far
}

// headlines are what the site has to say.
var headlines = [...]string{
	"Harbour bridge open again",
	"Library lends out telescopes",
	"Night train to the coast from May",
	"Storm warning for the islands",
	"Lighthouse back in service",
}

func newNewsSite() (*newsSite, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &newsSite{base: "http://" + l.Addr().String()}
	s.server.Handler = http.HandlerFunc(s.serve)
	s.server.ReadHeaderTimeout = time.Second
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *newsSite) url() string { return s.base + "/feed.xml" }

func (s *newsSite) close() { _ = s.server.Close() }

// write adds some articles, as long as there are headlines.
func (s *newsSite) write(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n = min(s.n+n, len(headlines))
}

// articles returns how many there are.
func (s *newsSite) articles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

type rss struct {
	XMLName xml.Name  `xml:"rss"`
	Version string    `xml:"version,attr"`
	Title   string    `xml:"channel>title"`
	Link    string    `xml:"channel>link"`
	Items   []rssItem `xml:"channel>item"`
}

type rssItem struct {
	Title string `xml:"title"`
	Link  string `xml:"link"`
	GUID  string `xml:"guid"`
}

// serve answers with the document: the newest article first, as sites do.
func (s *newsSite) serve(w http.ResponseWriter, _ *http.Request) {
	doc := rss{Version: "2.0", Title: "The Demo Times", Link: s.base}
	for i := s.articles() - 1; i >= 0; i-- {
		link := fmt.Sprintf("%s/%d", s.base, i+1)
		doc.Items = append(doc.Items, rssItem{headlines[i], link, link})
	}
	w.Header().Set("Content-Type", "application/rss+xml")
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(doc)
}
