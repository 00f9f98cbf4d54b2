package control

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// calls are all methods that answer once, through a client.
var calls = []struct {
	name  string
	call  func(t *testing.T, c *Client) (any, error)
	asked any // what the daemon sees
	want  any // what the caller gets
}{
	{"publish", func(t *testing.T, c *Client) (any, error) {
		return c.Publish(t.Context(), PublishRequest{Topic: "alice", ContentType: "a/b", Body: NewBody([]byte("<hi>\x00 &")),
			Wait: 2, Timeout: Duration(90 * time.Second), Once: "k"})
	}, PublishRequest{Topic: "alice", ContentType: "a/b", Body: NewBody([]byte("<hi>\x00 &")), Wait: 2,
		Timeout: Duration(90 * time.Second), Once: "k"},
		PublishReply{Topic: "alice", TopicName: "/quilt/feed/x", Seq: 7, ID: "ab", StoredBy: 2, Duplicate: true}},
	{"publish bytes", func(t *testing.T, c *Client) (any, error) {
		_, err := c.Publish(t.Context(), PublishRequest{Topic: "#x", Body: NewBody([]byte{0xff, 0})})
		return nil, err
	}, PublishRequest{Topic: "#x", Body: Body{Binary: []byte{0xff, 0}}}, nil},
	{"new feed", func(t *testing.T, c *Client) (any, error) { return c.NewFeed(t.Context(), "alice") },
		"alice", FeedInfo{Name: "alice", Own: true}},
	{"feeds", func(t *testing.T, c *Client) (any, error) { return c.Feeds(t.Context()) },
		nil, []FeedInfo{{Name: "a"}, {Name: "b", Missing: 3}}},
	{"follow", func(t *testing.T, c *Client) (any, error) {
		return c.Follow(t.Context(), FollowRequest{Address: "/quilt/feed/x", Name: "x"})
	}, FollowRequest{Address: "/quilt/feed/x", Name: "x"}, []FeedInfo{{Name: "x", Address: "/quilt/feed/x"}}},
	{"unfollow", func(t *testing.T, c *Client) (any, error) { return nil, c.Unfollow(t.Context(), "x") }, "x", nil},
	{"add mirror", func(t *testing.T, c *Client) (any, error) {
		return c.AddMirror(t.Context(), MirrorRequest{Source: "http://x/?a=1&b", Feed: "news", Interval: Duration(time.Minute)})
	}, MirrorRequest{Source: "http://x/?a=1&b", Feed: "news", Interval: Duration(time.Minute)},
		MirrorInfo{Source: "http://x/?a=1&b", Feed: "news", Interval: Duration(time.Minute)}},
	{"remove mirror", func(t *testing.T, c *Client) (any, error) { return nil, c.RemoveMirror(t.Context(), "news") }, "news", nil},
	{"mirrors", func(t *testing.T, c *Client) (any, error) { return c.Mirrors(t.Context()) }, nil, []MirrorInfo{{Feed: "m"}}},
	{"ticket", func(t *testing.T, c *Client) (any, error) { return c.Ticket(t.Context(), []string{"a", "b"}) },
		[]string{"a", "b"}, "quilt1x"},
	{"add ticket", func(t *testing.T, c *Client) (any, error) { return nil, c.AddTicket(t.Context(), "quilt1y") }, "quilt1y", nil},
	{"peers", func(t *testing.T, c *Client) (any, error) { return c.Peers(t.Context()) },
		nil, []PeerInfo{{ID: "p", RTTMillis: 1.5, Topics: []string{"a"}}}},
	{"status", func(t *testing.T, c *Client) (any, error) { return c.Status(t.Context()) },
		nil, StatusInfo{ID: "me", Refused: []Counter{{"bad signature", 3}}}},
	{"environment", func(t *testing.T, c *Client) (any, error) { return c.Environment(t.Context()) },
		nil, EnvironmentInfo{NICs: []NICInfo{{Name: "lan0", Published: []Property{{"mapping", "none"}}}}}},
	{"stop", func(t *testing.T, c *Client) (any, error) { return nil, c.Stop(t.Context()) }, "stop", nil},
}

// Every call arrives as it was made, and its reply as it was given.
func TestCalls(t *testing.T) {
	for _, tt := range calls {
		t.Run(tt.name, func(t *testing.T) {
			d := &fake{}
			c, _ := serve(t, d)
			got, err := tt.call(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(d.asked, tt.asked) {
				t.Errorf("the daemon was asked\n%+v, want\n%+v", d.asked, tt.asked)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("the caller got\n%+v, want\n%+v", got, tt.want)
			}
		})
	}
}

// Every call's error keeps message, hint and code, however it is wrapped.
func TestCallErrors(t *testing.T) {
	full := NewError(CodeFull, "the disk is full", "make room")
	for _, tt := range calls {
		t.Run(tt.name, func(t *testing.T) {
			d := &fake{err: fmt.Errorf("wrapped: %w", full)}
			c, _ := serve(t, d)
			_, err := tt.call(t, c)
			got, ok := errors.AsType[*Error](err)
			if !ok || *got != *full {
				t.Fatalf("error %#v, want %#v", err, full)
			}
			if err.Error() != "the disk is full: make room" {
				t.Errorf("error reads %q", err)
			}
			d.err = errors.New("boom")
			_, err = tt.call(t, c)
			if CodeOf(err) != CodeFailure || err.Error() != "boom" {
				t.Errorf("plain error came as %q with code %q", err, CodeOf(err))
			}
		})
	}
}

func TestCodesHaveStatuses(t *testing.T) {
	for _, c := range []Code{CodeUsage, CodeNotFound, CodeExists, CodeRefused, CodeTimeout, CodeFull,
		CodeNotRunning, CodeAlreadyRunning, CodeStopping} {
		if s := c.status(); s < 400 || s == http.StatusInternalServerError {
			t.Errorf("code %s has status %d", c, s)
		}
	}
	if s := CodeFailure.status(); s != http.StatusInternalServerError {
		t.Errorf("failure has status %d", s)
	}
}

// What makes no sense is refused before the daemon sees it.
func TestRefusedRequests(t *testing.T) {
	long := strings.Repeat("x", MaxPayload+1)
	for _, tt := range []struct {
		name, path, body string
		want             Code
	}{
		{"not JSON", pathPublish, "hello", CodeUsage},
		{"unknown field", pathPublish, `{"topic":"a","payload":"x","colour":"red"}`, CodeUsage},
		{"no topic", pathPublish, `{"payload":"x"}`, CodeUsage},
		{"control character", pathPublish, `{"topic":"a\u001b[2J","payload":"x"}`, CodeUsage},
		{"long topic", pathPublish, `{"topic":"` + long[:258] + `","payload":"x"}`, CodeUsage},
		{"no payload", pathPublish, `{"topic":"a"}`, CodeUsage},
		{"two payloads", pathPublish, `{"topic":"a","payload":"x","payload_base64":"eA=="}`, CodeUsage},
		{"long payload", pathPublish, `{"topic":"a","payload":"` + long + `"}`, CodeRefused},
		{"huge request", pathPublish, `{"topic":"a","payload":"` + strings.Repeat("x", MaxRequest) + `"}`, CodeRefused},
		{"long content type", pathPublish, `{"topic":"a","payload":"x","content_type":"` + long[:129] + `"}`, CodeUsage},
		{"long once", pathPublish, `{"topic":"a","payload":"x","once":"` + long[:257] + `"}`, CodeUsage},
		{"wait for too many", pathPublish, `{"topic":"a","payload":"x","wait":1001}`, CodeUsage},
		{"negative wait", pathPublish, `{"topic":"a","payload":"x","wait":-1}`, CodeUsage},
		{"negative timeout", pathPublish, `{"topic":"a","payload":"x","timeout":"-1s"}`, CodeUsage},
		{"bad timeout", pathPublish, `{"topic":"a","payload":"x","timeout":"soon"}`, CodeUsage},
		{"bad since", pathSubscribe, `{"topic":"a","since":"yesterday"}`, CodeUsage},
		{"negative count", pathSubscribe, `{"topic":"a","count":-1}`, CodeUsage},
		{"nothing to read", pathSubscribe, ``, CodeUsage},
		{"bad feed name", pathNewFeed, `{"name":"/etc"}`, CodeUsage},
		{"nothing to follow", pathFollow, `{"address":" "}`, CodeUsage},
		{"bad name to follow by", pathFollow, `{"address":"x","name":"#a"}`, CodeUsage},
		{"nothing to unfollow", pathUnfollow, `{}`, CodeUsage},
		{"no document", pathAddMirror, `{"feed":"a"}`, CodeUsage},
		{"no feed", pathAddMirror, `{"source":"http://x"}`, CodeUsage},
		{"negative interval", pathAddMirror, `{"source":"http://x","feed":"a","interval":"-1s"}`, CodeUsage},
		{"too many feeds", pathTicket, `{"feeds":["1","2","3","4","5","6","7","8","9"]}`, CodeUsage},
		{"no ticket", pathAddTicket, `{"ticket":""}`, CodeUsage},
		{"no such path", "/v1/nonsense", `{}`, CodeNotFound},
		{"wrong method", pathStatus, `{}`, CodeNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &fake{}
			c, _ := serve(t, d)
			rep, err := c.http.Post("http://quilt"+tt.path, "application/json", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			defer rep.Body.Close()
			body, _ := io.ReadAll(rep.Body)
			if rep.StatusCode != tt.want.status() || !strings.Contains(string(body), `"code":"`+string(tt.want)+`"`) {
				t.Errorf("%s: %s, want code %s", rep.Status, body, tt.want)
			}
			if d.asked != nil {
				t.Errorf("the daemon was asked %+v", d.asked)
			}
		})
	}
}

// The largest payload fits in a request, also if JSON makes six bytes of each.
func TestLargestPayload(t *testing.T) {
	for _, b := range []string{"\x01", "\xff", "x", "<"} {
		d := &fake{}
		c, _ := serve(t, d)
		payload := strings.Repeat(b, MaxPayload)
		if _, err := c.Publish(t.Context(), PublishRequest{Topic: "a", Body: NewBody([]byte(payload))}); err != nil {
			t.Fatalf("payload of %d times %q: %v", MaxPayload, b, err)
		}
		if got := d.asked.(PublishRequest).Bytes(); string(got) != payload {
			t.Errorf("payload of %q arrived altered", b)
		}
	}
}
