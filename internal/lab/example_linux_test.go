package lab_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// Two sites, the NAT of one of which forgets its flows while a peer uses it.
func Example() {
	n, err := lab.Parse(strings.NewReader(`
site dc   lan  hosts=a path=edge,*,carrier
site home cone hosts=b path=access
link dc home delay=20ms loss=1%
`))
	if err != nil {
		log.Fatal(err)
	}
	l, err := lab.Open(n, lab.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()
	a, err := l.Host("a").Start(ctx, lab.PeerConfig{Program: "./quilt-peer"})
	if err != nil {
		log.Fatal(err)
	}
	b, err := l.Host("b").Start(ctx, lab.PeerConfig{Program: "./quilt-peer", Args: []string{"--join", a.Ticket}})
	if err != nil {
		log.Fatal(err)
	}
	if err := l.Rebind("home"); err != nil {
		log.Fatal(err)
	}
	peers, err := b.Peers(ctx)
	fmt.Println(len(peers), err, l.RTT("dc", "home"), l.Counts())
}
