package detect

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

// The tests against the kernel run in network namespaces of their own: this program
// again, in a namespace in which there is nothing yet, and helpers, which are this
// program once more, in further ones. Nothing leaves them.
const (
	nsVar     = "QUILT_TEST_DETECT" // the test that runs in a namespace
	helperVar = "QUILT_TEST_HELPER" // what a helper does
)

func TestMain(m *testing.M) {
	if job := os.Getenv(helperVar); job != "" {
		help(strings.Fields(job))
		return
	}
	os.Exit(m.Run())
}

// help is what a helper does until its standard input ends. It says "ready" first.
func help(job []string) {
	sys := kernel{}
	find := func(name string) Interface {
		list, err := sys.Interfaces()
		for _, i := range list {
			if i.Name == name {
				return i
			}
		}
		panic(fmt.Sprint("no interface ", name, err))
	}
	say := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(b))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	switch job[0] {
	case "hold": // a namespace
		fmt.Println("ready")
		<-ctx.Done()
	case "answer": // as a resolver does
		c, err := net.ListenPacket("udp", ":53")
		if err != nil {
			panic(err)
		}
		fmt.Println("ready")
		b := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				continue // what an ICMP error says
			}
			b[2] |= 0x80
			_, _ = c.WriteTo(b[:n], from)
		}
	case "trace": // interface, targets
		p := traceAny(ctx, sys, find(job[1]), addrs(strings.Join(job[2:], " ")))
		say(traced{p.hops, p.end, p.rtt, p.why, os.Getuid()})
	case "beacon": // interface
		fmt.Println("ready")
		listen(ctx, sys, find(job[1]), uint64(os.Getpid()), 1, func(m multicastNews) {
			say(heardNews{m.heard, m.members, m.both, m.name.String(), m.why})
		})
	}
}

// traced and heardNews are what helpers say.
type traced struct {
	Hops []string
	End  int
	RTT  time.Duration
	Why  string
	UID  int
}

type heardNews struct {
	Heard         bool
	Members, Both int
	Name, Why     string
}

// inNamespace runs this test again in a process with a network namespace of its own,
// and reports whether this is that process.
func inNamespace(t *testing.T) bool {
	if os.Getenv(nsVar) == t.Name() {
		return true
	}
	t.Parallel()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), nsVar+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil && os.Getenv("CI") != "true" {
		t.Skipf("a network namespace needs root: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the test did not run:\n%s", out)
	}
	t.Logf("%s", out)
	return false
}

// helper is a process of the tests.
type helper struct {
	t   *testing.T
	pid int
	out *bufio.Scanner
}

// helperIn starts a helper, in a namespace of its own or in this one, and waits until
// it is ready.
func helperIn(t *testing.T, own bool, job string) *helper {
	h := newHelper(t, own, 0, job)
	if line := h.line(); line != "ready" {
		t.Fatalf("helper %q says %q", job, line)
	}
	return h
}

// newHelper starts a helper, as another user than root if uid says so.
func newHelper(t *testing.T, own bool, uid uint32, job string) *helper {
	t.Helper()
	// By its path another user could not read it.
	return startHelper(t, exec.Command("/proc/self/exe"), own, uid, job)
}

// helperAt starts a helper in the namespace of another, and waits until it is ready.
func helperAt(t *testing.T, where *helper, job string) *helper {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := startHelper(t, exec.Command("nsenter", "-t", fmt.Sprint(where.pid), "-n", self), false, 0, job)
	if line := h.line(); line != "ready" {
		t.Fatalf("helper %q says %q", job, line)
	}
	return h
}

func startHelper(t *testing.T, cmd *exec.Cmd, own bool, uid uint32, job string) *helper {
	t.Helper()
	cmd.Env = append(os.Environ(), helperVar+"="+job)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if own {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &helper{t, cmd.Process.Pid, bufio.NewScanner(out)}
}

func (h *helper) line() string {
	h.t.Helper()
	if !h.out.Scan() {
		h.t.Fatalf("the helper is gone: %v", h.out.Err())
	}
	return h.out.Text()
}

// hear reads what a helper says until ok.
func (h *helper) hear(ok func(heardNews) bool) heardNews {
	h.t.Helper()
	for {
		var n heardNews
		if line := h.line(); json.Unmarshal([]byte(line), &n) != nil {
			h.t.Fatalf("the helper says %q", line)
		}
		if ok(n) {
			return n
		}
	}
}

// in runs commands, a line each, in the namespace of a process; 0 is this one.
func in(t *testing.T, pid int, script string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		cmd := exec.Command("sh", "-ec", line)
		if pid != 0 {
			cmd = exec.Command("nsenter", "-t", fmt.Sprint(pid), "-n", "sh", "-ec", line)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
}

// plainIP6 makes IPv6 addresses usable at once.
const plainIP6 = `for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done; ip link set lo up`

// onLink is an interface of this namespace.
func onLink(t *testing.T, name string) Interface {
	t.Helper()
	list, err := kernel{}.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Name == name {
			return i
		}
	}
	t.Fatalf("no interface %s in %+v", name, list)
	return Interface{}
}

// await waits until ok, with a generous limit.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// TestKernelInterfaces: what the kernel says of interfaces, and that it tells of
// changes.
func TestKernelInterfaces(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	in(t, 0, plainIP6+`
		ip link add lan0 type veth peer name far0
		ip link add br0 type bridge
		ip link set far0 master br0
		ip addr add 10.77.0.1/24 dev lan0
		ip addr add 2a01:77::1/64 dev lan0 nodad
		ip addr add 10.78.0.1/24 dev br0
		ip link set lan0 up
		ip link set far0 up
		ip link set br0 up
		ip route add default via 10.77.0.254 dev lan0 metric 50
		ip -6 route add default via fe80::1 dev lan0`)
	var all []Interface
	await(t, "a carrier and addresses", func() bool {
		var err error
		if all, err = (kernel{}).Interfaces(); err != nil {
			t.Fatal(err)
		}
		i := onLink(t, "lan0")
		return i.Running && i.hasLinkLocal() && onLink(t, "br0").Running
	})
	i := onLink(t, "lan0")
	if i.Kind != "veth" || i.Loopback || !i.Multicast || !i.has(euid.IPv4) || !i.has(euid.IPv6) || !i.Default[euid.IPv4] || !i.Default[euid.IPv6] ||
		i.Gateway[euid.IPv4].String() != "10.77.0.254" || i.Gateway[euid.IPv6].String() != "fe80::1" || i.Metric[euid.IPv4] != 50 || len(i.Addrs) != 3 {
		t.Errorf("lan0: %+v", i)
	}
	if far, br := onLink(t, "far0"), onLink(t, "br0"); br.Kind != "bridge" || far.Master != br.Index {
		t.Errorf("br0: %+v, far0: %+v", br, far)
	}
	chosen, skipped := choose(all)
	if len(chosen) != 1 || chosen[0].Name != "lan0" {
		t.Errorf("chose %+v, skipped %v", chosen, skipped)
	}

	changed, err := kernel{}.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"ip addr add 10.77.0.2/24 dev lan0", "ip route del default", "ip link set lan0 down"} {
		in(t, 0, change)
		select {
		case <-changed:
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody tells of %q", change)
		}
		// The rest of it, before the next.
		for quiet := false; !quiet; {
			select {
			case <-changed:
			case <-time.After(200 * time.Millisecond):
				quiet = true
			}
		}
	}
	if onLink(t, "lan0").Running {
		t.Error("lan0 is up")
	}
}
