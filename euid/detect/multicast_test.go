package detect

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestFlood: beacons that come faster than they are looked at are dropped, and foreign
// packets do not take their room.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{}
		c, to := n.join(), make(chan []byte, heardDatagrams)
		done := make(chan struct{})
		go func() { receive(c, to); close(done) }()
		b := beacon{me: 1, every: time.Second}
		for range 4 * heardDatagrams {
			_ = c.Send([]byte("M-SEARCH * HTTP/1.1"))
			_ = c.Send(b.appendTo(nil))
		}
		synctest.Wait()
		if len(to) != heardDatagrams {
			t.Errorf("%d datagrams wait", len(to))
		}
		for len(to) > 0 {
			if _, err := parseBeacon(<-to); err != nil {
				t.Error(err)
			}
		}
		_ = c.Close()
		<-done
	})
}
