package lantest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// hang is the limit of every wait: generous, for it measures nothing.
const hang = 30 * time.Minute

// process is one that plays a role on a host of the lab.
type process struct {
	tb   testing.TB
	host *lab.Host
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	err  *strings.Builder
}

// startRole starts one and waits until it is ready. It ends with the test.
func startRole(tb testing.TB, h *lab.Host, name string, env ...string) *process {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{tb: tb, host: h, err: &strings.Builder{}}
	p.cmd = h.Command(ctx, os.Args[0])
	p.cmd.Env = append(append(os.Environ(), roleVar+"="+name), env...)
	p.cmd.Stderr = p.err
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = p.in.Close()
		cancel()
		_ = p.cmd.Wait()
	})
	p.read()
	return p
}

func (p *process) read() (r report) {
	p.tb.Helper()
	if !p.out.Scan() {
		p.tb.Fatalf("%s ended: %v %s", p.host.Name(), p.out.Err(), p.err)
	}
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil || r.Err != "" {
		p.tb.Fatalf("%s says %s, %v", p.host.Name(), p.out.Text(), err)
	}
	return r
}

// tell gives an order; hear waits for its answer.
func (p *process) tell(o order) {
	p.tb.Helper()
	b, err := json.Marshal(o)
	if err == nil {
		_, err = p.in.Write(append(b, '\n'))
	}
	if err != nil {
		p.tb.Fatal(err)
	}
}

func (p *process) do(o order) report {
	p.tb.Helper()
	p.tell(o)
	return p.read()
}

func (p *process) report() report { p.tb.Helper(); return p.do(order{Do: "report"}) }

// stageLAN makes a LAN of n hosts.
func stageLAN(tb testing.TB, n int, more string) *lab.Lab {
	tb.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("h%d", i)
	}
	net, err := lab.Parse(strings.NewReader("site lan lan ip=46 hosts=" + strings.Join(names, ",") + "\n" + more))
	if err != nil {
		tb.Fatal(err)
	}
	return lab.Stage(tb, net, lab.Options{})
}

// hostAt is the i-th of the LAN.
func hostAt(l *lab.Lab, i int) *lab.Host { return l.Host(fmt.Sprintf("h%d", i)) }

// lose has a host lose a share of what it receives by multicast, in percent.
func lose(tb testing.TB, h *lab.Host, percent int) {
	tb.Helper()
	rules := "flush ruleset\n"
	if percent > 0 {
		share := fmt.Sprintf("numgen random mod 100 < %d ", percent)
		if percent == 100 {
			share = ""
		}
		rules += "add table ip lossy\nadd chain ip lossy in { type filter hook input priority 0; }\n" +
			"add rule ip lossy in ip daddr 224.0.0.0/4 udp dport >= 61000 " + share + "drop\n"
	}
	cmd := h.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("nft on %s: %v %s", h.Name(), err, out)
	}
}

// members starts n members on the first n hosts.
func members(tb testing.TB, l *lab.Lab, n int, env ...string) (list []*process) {
	tb.Helper()
	for i := range n {
		list = append(list, startRole(tb, hostAt(l, i), "ipmc", env...))
	}
	return list
}

// linked is members that have links too, and gossip that stands by.
func linked(tb testing.TB, l *lab.Lab, n int, env ...string) (list []*process) {
	tb.Helper()
	list = members(tb, l, n, append(env, "QUILT_LANTEST_LINKS=1")...)
	var all []contact
	for _, p := range list {
		all = append(all, p.report().Self)
	}
	for i, p := range list {
		o := order{Do: "meet"}
		for k := 1; k <= min(3, n-1); k++ {
			o.Contacts = append(o.Contacts, all[(i+k)%n])
		}
		p.do(o)
	}
	until(tb, "links", func() bool {
		for _, p := range list {
			if p.report().Links == 0 {
				return false
			}
		}
		return true
	})
	return list
}

// settle waits until all hear each other, as far as beacons tell.
func settle(tb testing.TB, list []*process) {
	tb.Helper()
	until(tb, "peers to hear each other", func() bool {
		for _, p := range list {
			if r := p.report(); r.IPMC.Peers < len(list)-1 {
				return false
			}
		}
		return true
	})
}

// until waits for something.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(hang); !ok(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("still waiting for %s", what)
		}
	}
}

// delivered waits until everybody but the first has so many items, or gets no more.
func delivered(tb testing.TB, list []*process, items int) (missing int) {
	tb.Helper()
	until(tb, "items", func() bool {
		missing = 0
		quiet := true
		for _, p := range list[1:] {
			r := p.report()
			missing += items - r.Delivered
			quiet = quiet && r.Idle > 20*time.Second
		}
		return missing == 0 || quiet
	})
	return missing
}
