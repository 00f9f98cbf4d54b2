package gossipmembership

import "testing"

func TestBound(t *testing.T) {
	for _, c := range []struct {
		cfg  ViewConfig
		want int
	}{{ViewConfig{}, 8 + 2}, {HostViewConfig(), 6 + 2}, {ViewConfig{MaxActive: 12, Overflow: 1}, 13}} {
		if got := c.cfg.Bound(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.cfg, got, c.want)
		}
	}
}
