package sim

import (
	"fmt"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

func (c *crowd) diagnose(t *testing.T) {
	lack := map[string]int{}
	for _, h := range c.Hosts() {
		if !h.Alive() {
			continue
		}
		f, o := len(c.items)-len(h.Delivered(c.feed)), len(c.open)-len(h.Delivered(openTopic))
		nf, no := h.core.Neighbours(protocol.TopicOf(c.feed)), h.core.Neighbours(protocol.TopicOf(openTopic))
		if f > 0 || o > 0 {
			lack["hosts"]++
			if lack["hosts"] < 6 {
				t.Logf("host %d lacks %d feed, %d open; neighbours %d feed %d open %d host; links %d; notes %v", h.index, f, o, len(nf), len(no), len(h.core.Neighbours(protocol.TopicID{})), len(h.links), h.Notes)
				t.Logf("%+v", h.core.Explain(c.now))
			}
			if f > 0 {
				lack["feed"]++
			}
			if o > 0 {
				lack["open"]++
			}
		}
	}
	fmt.Println(lack)
}
