package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// TestMirrorOnce: one poll, in the document's order; nothing goes on, nor after a
// restart; the same again publishes only what is new.
func TestMirrorOnce(t *testing.T) {
	ctx := testContext(t)
	home := newHome(t)
	a := start(t, home)
	site := newSite(t, 3)
	req := control.MirrorRequest{Source: site.URL, Feed: "site", Once: true}
	if m := must(a.AddMirror(ctx, req))(t); m.Published != 3 || m.Feed != "site" || m.Address == "" {
		t.Errorf("mirrored: %+v", m)
	}
	wantArticles(t, a, 3)
	a.stop()
	a = start(t, home)
	if list := must(a.Mirrors(ctx))(t); len(list) != 0 {
		t.Errorf("mirrors: %+v", list)
	}
	site.set(5, false)
	if m := must(a.AddMirror(ctx, req))(t); m.Published != 2 {
		t.Errorf("mirrored again: %+v", m)
	}
	wantArticles(t, a, 5)
}

// wantArticles reads the mirrored feed, which must have exactly n articles.
func wantArticles(t *testing.T, p *peer, n int) {
	t.Helper()
	for i, e := range p.read("site", "all", n) {
		if want := fmt.Sprintf(`"Article %d"`, i+1); !strings.Contains(string(e.Bytes()), want) || e.Seq != uint64(i+1) {
			t.Errorf("entry %d is %s", i+1, e.Bytes())
		}
	}
	for _, f := range must(p.Feeds(testContext(t)))(t) {
		if f.Name == "site" && f.Last != uint64(n) {
			t.Errorf("the feed ends with %d, want %d", f.Last, n)
		}
	}
}

// TestMirrorResumed: a mirror goes on over a restart, publishes nothing twice, says
// when its source fails, and ends when it is removed, for good.
func TestMirrorResumed(t *testing.T) {
	ctx := testContext(t)
	home := newHome(t)
	a := start(t, home)
	site := newSite(t, 2)
	req := control.MirrorRequest{Source: site.URL, Feed: "site", Interval: control.Duration(time.Second)}
	if m := must(a.AddMirror(ctx, req))(t); m.Published != 2 {
		t.Errorf("mirrored: %+v", m)
	}
	a.stop()
	site.set(4, false)
	a = start(t, home)
	wantArticles(t, a, 4)
	list := must(a.Mirrors(ctx))(t)
	if len(list) != 1 || list[0].Source != site.URL || list[0].Feed != "site" || time.Duration(list[0].Interval) != time.Second {
		t.Errorf("mirrors: %+v", list)
	}
	feeds := must(a.Feeds(ctx))(t)
	if feeds[0].Mirror != site.URL {
		t.Errorf("feeds: %+v", feeds)
	}

	events := must(a.Events(ctx))(t)
	site.set(4, true)
	if err := events(func(n control.Notice) bool {
		return n.Type != control.NoticeMirror || !strings.Contains(n.Text, "failed")
	}); err != nil {
		t.Fatal(err)
	}
	if st := must(a.Status(ctx))(t); len(st.Mirrors) != 1 || st.Mirrors[0].LastError == "" {
		t.Errorf("mirrors: %+v", st.Mirrors)
	}
	if err := a.RemoveMirror(ctx, "site"); err != nil {
		t.Fatal(err)
	}
	a.stop()
	a = start(t, home)
	if list := must(a.Mirrors(ctx))(t); len(list) != 0 {
		t.Errorf("removed, and resumed: %+v", list)
	}
}

// TestMaxMirrors: one mirror too many is refused before it has done anything, and
// does not keep the daemon from starting again.
func TestMaxMirrors(t *testing.T) {
	ctx := testContext(t)
	home := newHome(t)
	a := start(t, home)
	site := newSite(t, 1)
	req := func(i int) control.MirrorRequest {
		return control.MirrorRequest{Source: site.URL, Feed: fmt.Sprint("m", i), Interval: control.Duration(time.Hour)}
	}
	for i := range MaxMirrors {
		must(a.AddMirror(ctx, req(i)))(t)
	}
	_, err := a.AddMirror(ctx, req(MaxMirrors))
	wantCode(t, err, control.CodeRefused, "remove one first")
	must(a.AddMirror(ctx, req(0)))(t) // in place of an earlier one
	if list := must(a.Mirrors(ctx))(t); len(list) != MaxMirrors {
		t.Errorf("%d mirrors", len(list))
	}
	a.stop()
	a = start(t, home)
	if list := must(a.Mirrors(ctx))(t); len(list) != MaxMirrors {
		t.Errorf("%d mirrors resumed", len(list))
	}
}

// TestMirrorAfterClose: a daemon that is about to end takes up no mirror.
func TestMirrorAfterClose(t *testing.T) {
	n := must(node.New(testContext(t), node.WithListen(node.LoopbackListen...)))(t)
	d := must(New(n, "test"))(t)
	m, err := d.newMirror(control.MirrorRequest{Source: "http://127.0.0.1:1/", Feed: "site"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var stopping *control.Error
	if err := d.runMirror(m); !errors.As(err, &stopping) || stopping.Code != control.CodeStopping {
		t.Errorf("error %v", err)
	}
}
