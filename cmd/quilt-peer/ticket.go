package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"github.com/urfave/cli/v3"
	"rsc.io/qr"

	"github.com/quilt-p2p/quilt/internal/control"
)

const ticketHelp = `Prints a ticket: the addresses of this peer and of some that it knows, in one
word. Whoever has it can make contact, with "quilt-peer run --join TICKET" or,
while a peer runs, "quilt-peer ticket add TICKET". With --feed it is also an
invitation to those feeds: "quilt-peer feed follow TICKET". It holds no secret.

On a terminal it is followed by a QR code, to be read with a phone.

   quilt-peer ticket
   quilt-peer ticket --feed alice --feed news`

func (a *app) ticketCommand() *cli.Command {
	return &cli.Command{
		Name:        "ticket",
		Usage:       "print a ticket with which others make contact",
		Description: ticketHelp,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "feed", Usage: "invite to the feed `NAME`; repeatable"},
			&cli.BoolFlag{Name: "qr", Usage: "print the QR code even if this is no terminal"},
			&cli.BoolFlag{Name: "no-qr", Usage: "print no QR code"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return group(ctx, cmd)
			}
			return a.quick(0, 0, a.ticket)(ctx, cmd)
		},
		Commands: []*cli.Command{{
			Name: "add", Usage: "make contact with the peers of a ticket", ArgsUsage: "TICKET",
			Description: "It may be pasted in pieces, broken over several lines.",
			Action:      a.quick(1, 100, a.ticketAdd),
		}},
	}
}

func (a *app) ticket(ctx context.Context, cmd *cli.Command, c daemon) error {
	if cmd.Bool("qr") && cmd.Bool("no-qr") {
		return usageError("--qr and --no-qr contradict each other", "leave one of them out")
	}
	feeds := cmd.StringSlice("feed")
	if len(feeds) > control.MaxTicketFeeds {
		return usageError(fmt.Sprintf("a ticket can name at most %d feeds, not %d", control.MaxTicketFeeds, len(feeds)), "make two")
	}
	ticket, err := c.Ticket(ctx, feeds)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printJSON(map[string]string{"ticket": ticket})
	}
	p := a.text()
	p.f("%s\n", ticket)
	if p.err == nil && !cmd.Bool("no-qr") && (cmd.Bool("qr") || a.width > 0) {
		p.err = a.qrCode(ticket, cmd.Bool("qr"))
	}
	return p.err
}

// qrQuiet is the width of the empty border, in modules. The standard wants 4,
// but readers manage with 2, and a terminal is narrow.
const qrQuiet = 2

// qrCode prints the ticket as a QR code; in upper case, for which QR has an
// encoding of its own that makes the code a third smaller. Where it does not
// fit the terminal it is left out, unless asked for.
func (a *app) qrCode(ticket string, force bool) error {
	text := strings.ToUpper(ticket)
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		if force {
			return control.NewError(control.CodeRefused, "the ticket is too long for a QR code", "leave out some feeds")
		}
		return nil
	}
	if wide := code.Size + 2*qrQuiet; a.width > 0 && wide > a.width && !force {
		fmt.Fprintf(a.stderr, "(the QR code needs %d columns, the terminal has %d; --qr prints it all the same)\n", wide, a.width)
		return nil
	}
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level: qr.L, Writer: a.stdout, HalfBlocks: true, QuietZone: qrQuiet,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
	})
	return nil
}

func (a *app) ticketAdd(ctx context.Context, cmd *cli.Command, c daemon) error {
	return c.AddTicket(ctx, strings.Join(cmd.Args().Slice(), ""))
}
