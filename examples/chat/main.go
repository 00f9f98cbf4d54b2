// Command chat lets people talk in a topic, from machine to machine, without a server.
//
// The first one starts it and passes on the ticket it prints, by any means at hand:
//
//	go run ./examples/chat -name Ann
//
// The others start it with that ticket:
//
//	go run ./examples/chat -name Ben quilt1...
//
// Whoever comes later reads what was said before, from whoever is still there. It
// ends with the input, or with Ctrl-C. Names are what people say they are; the eight
// characters before them end the author's ID, which nobody can feign. Everybody is a
// new author each time: node.WithHome would keep keys and messages.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"unicode"

	"github.com/quilt-p2p/quilt/node"
)

func main() {
	log.SetFlags(0)
	name := flag.String("name", "somebody", "what to call you")
	room := flag.String("room", "chat", "the topic to talk in")
	flag.Parse()
	if err := chat(*name, *room, flag.Args()); err != nil {
		log.Fatal("chat: ", err)
	}
}

// chat runs a peer until its input ends, or Ctrl-C.
func chat(name, room string, tickets []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := node.New(ctx, node.WithMDNS(true), node.WithTickets(tickets...))
	if err != nil {
		return err
	}
	defer n.Close()
	topic, err := n.Join(room)
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe()
	if err != nil {
		return err
	}
	ticket, err := n.Ticket()
	if err != nil {
		return err
	}
	fmt.Printf("Others join with this ticket:\n%s\n\n", ticket)
	go show(ctx, sub)
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		stop()
	}()
	for {
		select {
		case line := <-lines:
			if _, err := topic.Publish(ctx, []byte(name+": "+line)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// show prints what is said, own words too, without what could harm a terminal.
func show(ctx context.Context, sub *node.Subscription) {
	for {
		msg, err := sub.Next(ctx)
		if err != nil {
			return
		}
		said := strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, string(msg.Payload))
		author := msg.Author.String()
		fmt.Printf("%s  %s  %s\n", msg.Time.Local().Format("15:04"), author[len(author)-8:], said)
	}
}
