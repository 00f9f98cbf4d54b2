package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	"github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestStockPubsub: a stock pubsub peer under StrictSign accepts what Sign makes,
// and refuses it once altered; Verify accepts what a stock peer publishes, byte
// for byte as it comes.
func TestStockPubsub(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	net := mocknet.New()
	defer net.Close()
	for i := range byte(2) {
		addr := multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", 1000+int(i)))
		if _, err := net.AddPeer(testKey(t, 10+i), addr); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(net.LinkAll(), net.ConnectAllButSelf()); err != nil {
		t.Fatal(err)
	}
	stock, raw := net.Hosts()[0], net.Hosts()[1]

	ps, err := pubsub.NewFloodSub(ctx, stock, pubsub.WithStrictSignatureVerification(true))
	if err != nil {
		t.Fatal(err)
	}
	feedName := TopicName(testAuthor(t, 3)) // the author is not one of the hosts
	stream, err := raw.NewStream(ctx, stock.ID(), pubsub.FloodSubID)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()

	for j, name := range []string{"news", feedName} {
		topic, err := ps.Join(name)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		for i, data := range [][]byte{[]byte("hello"), nil, make([]byte, 100_000)} {
			it := stockItem(t, name, uint64(i+1+1000*(1-j)), data) // pubsub's own IDs leave the topic out
			publishRaw(t, stream, altered(t, it))
			publishRaw(t, stream, it)
			msg, err := sub.Next(ctx)
			if err != nil {
				t.Fatalf("%s: item %d was not accepted: %v", name, i, err)
			}
			// Under the same author and number pubsub takes only the first valid one.
			if !bytes.Equal(msg.Data, it.Data) || msg.GetFrom() != it.Author {
				t.Fatalf("%s: item %d: an altered item was accepted", name, i)
			}
		}
		checkStockMessage(ctx, t, topic, sub)
	}
}

// stockItem signs an item: an entry where the topic is a feed.
func stockItem(t *testing.T, name string, seq uint64, data []byte) *protocol.Item {
	t.Helper()
	var it *protocol.Item
	var err error
	if _, owned := Owner(name); owned {
		e := Entry{Type: Post, Seq: seq, Payload: data}
		if seq > 1 {
			e.Prev = protocol.ItemID{1}
		}
		it, err = SignEntry(testKey(t, 3), &e)
	} else {
		it, err = Sign(testKey(t, 3), name, seq, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// altered returns the item with another payload under the same signature.
func altered(t *testing.T, it *protocol.Item) *protocol.Item {
	t.Helper()
	return protocol.NewItem(it.TopicName, it.Author, it.Seq, append(bytes.Clone(it.Data), '!')).WithSignature(it.Signature, nil)
}

// publishRaw sends an item as a pubsub peer does: an RPC, preceded by its length.
// The item's bytes are put into it as they are.
func publishRaw(t *testing.T, stream interface{ Write([]byte) (int, error) }, it *protocol.Item) {
	t.Helper()
	var msg pb.Message
	if err := proto.Unmarshal(it.Bytes, &msg); err != nil {
		t.Fatal(err)
	}
	again, err := proto.Marshal(&msg)
	if err != nil || !bytes.Equal(again, it.Bytes) {
		t.Fatalf("pubsub encodes the item otherwise (%v)", err)
	}
	if _, err := protodelim.MarshalTo(stream, &pb.RPC{Publish: []*pb.Message{&msg}}); err != nil {
		t.Fatal(err)
	}
}

// checkStockMessage has the stock peer publish, and reads its message as an item.
func checkStockMessage(ctx context.Context, t *testing.T, topic *pubsub.Topic, sub *pubsub.Subscription) {
	t.Helper()
	if _, owned := Owner(topic.String()); owned {
		return // it is not the owner
	}
	if err := topic.Publish(ctx, []byte("from stock")); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(msg.Message)
	if err != nil {
		t.Fatal(err)
	}
	it, err := protocol.ParseItem(b)
	if err != nil {
		t.Fatal(err)
	}
	if from := peer.ID(msg.From); it.Author != from || string(it.Data) != "from stock" {
		t.Errorf("read as %v %q", it.Author, it.Data)
	}
	if err := Verify(it); err != nil {
		t.Errorf("stock message: %v", err)
	}
	if err := Check(it); err != nil {
		t.Errorf("stock message: %v", err)
	}
}
