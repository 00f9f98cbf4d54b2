package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

const runHelp = `Runs a peer until it is stopped: by Ctrl-C, by SIGTERM, or by "quilt-peer stop".
It needs no other peer to begin with. It finds others by a ticket, on the local
network, or because it met them before.

A peer that others can call relays for those that nobody can, a little: two peers
behind NATs need somebody to meet at. --no-relay and the --relay flags limit that.

Prints its ID, its addresses and a ticket, then one line for each thing that
happens. With --json each line is an object, the first of type "started".

   quilt-peer run
   quilt-peer run --join quilt1...
   quilt-peer run --port 443

PORTS
   A peer listens on any free port, unless told otherwise. A port of your choice
   (--port) serves when a router has to be told which to forward, UDP and TCP. Port
   443 helps those whose networks let little else out, and is the best a peer
   on a public address can do for others: to a firewall a link to it is one to a web
   site. On Linux "sudo setcap cap_net_bind_service=+ep" on the program lets it have
   ports below 1024 without running as root.

   By --listen single addresses can be given, as multiaddrs:
   /ip4/0.0.0.0/udp/4001/quic-v1, /ip4/0.0.0.0/tcp/4001, /ip4/0.0.0.0/tcp/443/tls/ws,
   /ip4/0.0.0.0/udp/443/quic-v1/webtransport. A name that connections to it shall ask
   for goes between: /tls/sni/www.example.org/ws.

TRANSPORTS
   A link is tried in all ways that the other side offers, what got through before
   first: quic, tcp, wss (a WebSocket in TLS), webtransport. quic and tcp can be told
   from other traffic by who looks into packets. Whoever must not be seen with them
   uses only the others: --transports wss,webtransport`

func (a *app) runCommand() *cli.Command {
	return &cli.Command{
		Name:        "run",
		Usage:       "run a peer in the foreground",
		Description: runHelp,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "port", Usage: "accept links at UDP and TCP `PORT` of all interfaces; repeatable (default: any free port)"},
			&cli.StringSliceFlag{Name: "listen", Usage: "accept links at `ADDR`, a multiaddr; repeatable"},
			&cli.StringSliceFlag{Name: "transports", Usage: "link only by the transports in `LIST`, of quic, tcp, wss, webtransport (default: all)"},
			&cli.StringSliceFlag{Name: "join", Usage: "make contact with the peers of `TICKET`; repeatable"},
			&cli.StringSliceFlag{Name: "follow", Usage: "follow `FEED`, an address or a ticket; repeatable"},
			&cli.BoolFlag{Name: "no-mdns", Usage: "do not look for peers on the local network"},
			&cli.StringSliceFlag{Name: "ipmc", Usage: "send items by IP multicast on `INTERFACE`, in place of gossip to peers on the LAN that do so too; repeatable"},
			&cli.BoolFlag{Name: "no-detect", Usage: "do not find out where this peer is in the network"},
			&cli.BoolFlag{Name: "no-traversal", Usage: "do not get past NATs: no relays, no hole punching"},
			&cli.BoolFlag{Name: "no-port-mapping", Usage: "do not ask the router to let others in (UPnP, NAT-PMP)"},
			&cli.BoolFlag{Name: "no-relay", Usage: "do not relay for others while this peer can be called"},
			&cli.IntFlag{Name: "relay-places", Value: 64, Usage: "let `N` peers at most be called through this one"},
			&cli.IntFlag{Name: "relay-kib", Value: 128, Usage: "pass on `N` KiB at most each way before a relayed connection is cut"},
			&cli.DurationFlag{Name: "relay-time", Value: 2 * time.Minute, Usage: "cut relayed connections after `TIME`"},
			&cli.StringFlag{Name: "large-limit", Value: "10GiB", Usage: "keep at most `BYTES` of large files, as 500MB or 2GiB; what finds no room is not fetched"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print nothing but errors"},
			&cli.BoolFlag{Name: "stop-at-eof", Hidden: true, Usage: "stop when standard input ends"},
		},
		Action: a.run,
	}
}

// started is what run prints once the peer can be asked.
type started struct {
	Type      string   `json:"type"` // "started"
	ID        string   `json:"id"`
	Version   string   `json:"version"`
	Home      string   `json:"home"`
	Socket    string   `json:"socket"`
	PID       int      `json:"pid"`
	Addresses []string `json:"addresses"`
	Ticket    string   `json:"ticket"`
}

// run is the daemon's life: lock the home, start, serve, stop, unlock. The home
// is locked first and given up last, so two daemons never share its files.
func (a *app) run(ctx context.Context, cmd *cli.Command) (err error) {
	if err := wantArgs(cmd, 0, 0); err != nil {
		return err
	}
	home, err := a.home(cmd)
	if err != nil {
		return err
	}
	ports, err := ports(cmd.StringSlice("port"))
	if err != nil {
		return err
	}
	transports, err := transports(cmd.StringSlice("transports"))
	if err != nil {
		return err
	}
	relay, err := relayLimits(cmd)
	if err != nil {
		return err
	}
	l, err := control.Listen(home, a.getenv("XDG_RUNTIME_DIR"))
	if err != nil {
		return err
	}
	defer l.Unlock()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	limit, err := parseBytes(cmd.String("large-limit"))
	if err != nil {
		return err
	}
	d, closeDaemon, err := a.start(ctx, runConfig{
		Home: home, Listen: cmd.StringSlice("listen"), Join: cmd.StringSlice("join"),
		Ports: ports, Transports: transports,
		MDNS: !cmd.Bool("no-mdns"), Detect: !cmd.Bool("no-detect"), Version: version(),
		Traverse: !cmd.Bool("no-traversal"), Relay: relay, PortMap: !cmd.Bool("no-port-mapping"),
		IPMC: cmd.StringSlice("ipmc"), LargeLimit: limit,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while starting
		}
		return err
	}
	defer func() { err = errors.Join(err, closeDaemon()) }()

	d = stoppable{d, stop}
	events, err := d.Events(ctx) // from before anything can happen
	if err != nil {
		return err
	}
	server := control.NewServer(d)
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(l)
		stop() // without its socket a daemon is lost
	}()
	defer func() {
		stop()
		err = errors.Join(err, server.Close(), <-served)
	}()
	if cmd.Bool("stop-at-eof") {
		go func() { _, _ = io.Copy(io.Discard, a.stdin); stop() }()
	}
	if err := a.begin(ctx, cmd, d, l.Path()); err != nil {
		return untilStopped(ctx, err)
	}
	return untilStopped(ctx, a.narrate(ctx, cmd, events))
}

// ports reads the numbers of ports.
func ports(texts []string) (list []uint16, err error) {
	for _, text := range texts {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, usageError(fmt.Sprintf("%q is no port", text), "ports are 1 to 65535, and 0 for any free one")
		}
		list = append(list, uint16(n))
	}
	return list, nil
}

// transports checks the names of transports.
func transports(names []string) ([]string, error) {
	for _, name := range names {
		if !slices.Contains(node.Transports(), name) {
			return nil, usageError(fmt.Sprintf("there is no transport %q", name), "there are "+strings.Join(node.Transports(), ", "))
		}
	}
	return names, nil
}

// relayLimits are those within which the peer is to relay for others, nil for never.
func relayLimits(cmd *cli.Command) (*node.RelayLimits, error) {
	if cmd.Bool("no-relay") || cmd.Bool("no-traversal") {
		return nil, nil
	}
	r := &node.RelayLimits{Places: cmd.Int("relay-places"), Bytes: int64(cmd.Int("relay-kib")) << 10, Time: cmd.Duration("relay-time")}
	if err := r.Check(); err != nil {
		return nil, usageError(err.Error(), "to relay nothing: --no-relay")
	}
	return r, nil
}

// stoppable is a daemon that can be told to stop through its socket.
type stoppable struct {
	daemon
	stop func()
}

// Stop implements control.Daemon.
func (s stoppable) Stop(context.Context) error {
	s.stop()
	return nil
}

// untilStopped forgets what failed only because the daemon was stopped.
func untilStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// begin follows what is to be followed and says that the peer runs.
func (a *app) begin(ctx context.Context, cmd *cli.Command, d daemon, socket string) error {
	for _, address := range cmd.StringSlice("follow") {
		if _, err := d.Follow(ctx, control.FollowRequest{Address: address}); err != nil {
			return err
		}
	}
	st, err := d.Status(ctx)
	if err != nil {
		return err
	}
	ticket, err := d.Ticket(ctx, nil)
	if err != nil {
		return err
	}
	if cmd.Bool("quiet") {
		return nil
	}
	if cmd.Bool("json") {
		return a.printJSON(started{"started", st.ID, st.Version, st.Home, socket, st.PID, st.Addresses, ticket})
	}
	p := a.text()
	p.f("quilt-peer %s is running\n\n", st.Version)
	p.f("  id       %s\n  home     %s\n", st.ID, st.Home)
	for i, addr := range st.Addresses {
		p.f("  %-8s %s\n", label(i, "listens"), addr)
	}
	p.f("  ticket   %s\n\n", ticket)
	p.f("Others make contact with:  quilt-peer run --join TICKET\n")
	p.f("Publish with:              quilt-peer pub hello \"Hi.\"\n")
	p.f("Ctrl-C stops it.\n\n")
	return p.err
}

// label names the first of a list of lines only.
func label(i int, name string) string {
	if i > 0 {
		return ""
	}
	return name
}

// narrate prints what happens until ctx ends.
func (a *app) narrate(ctx context.Context, cmd *cli.Command, events control.Stream[control.Notice]) error {
	var failed error
	err := events(func(n control.Notice) bool {
		switch {
		case cmd.Bool("quiet"):
			if n.Type == control.NoticeError || n.Type == control.NoticeWarning {
				fmt.Fprintln(a.stderr, "quilt-peer: "+clean(n.Text))
			}
		case cmd.Bool("json"):
			failed = a.printJSON(n)
		default:
			p := a.text()
			p.f("%s  %s\n", n.Time.Local().Format("15:04:05"), clean(n.Text))
			failed = p.err
		}
		return failed == nil
	})
	if err == nil && failed == nil && ctx.Err() == nil {
		<-ctx.Done() // nothing more to tell is no reason to stop
	}
	return errors.Join(err, failed)
}
