package large

import (
	"bytes"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// Of returns the manifest that an item is, and false for any other item. An entry of
// type feed.Large whose payload is none is an entry that means nothing: it is carried
// as every other.
func Of(it *protocol.Item) (Manifest, bool) {
	payload := it.Data
	if !bytes.HasPrefix(payload, []byte(magic)) {
		if len(payload) < 2 || payload[0] != feed.Version || feed.Type(payload[1]) != feed.Large {
			return Manifest{}, false // nearly every item, at no cost
		}
		if _, owned := feed.Owner(it.TopicName); !owned {
			return Manifest{}, false
		}
		e, err := feed.ParseEntry(payload)
		if err != nil {
			return Manifest{}, false
		}
		payload = e.Payload
	} else if _, owned := feed.Owner(it.TopicName); owned {
		return Manifest{}, false // no entry
	}
	m, err := Parse(payload)
	return m, err == nil
}
