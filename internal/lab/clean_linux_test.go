package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// holdVar marks the process that builds a lab in order to be killed.
const holdVar = "QUILT_TEST_LAB_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdVar) != "" {
		hold()
	}
	if os.Getenv(fakeVar) != "" {
		fakePeer()
	}
	os.Exit(m.Run())
}

// hold builds a lab, runs a program in it, tells their names, and waits.
func hold() {
	n, err := Parse(strings.NewReader(pair))
	if err == nil {
		var l *Lab
		if l, err = Open(n, Options{}); err == nil {
			cmd := exec.Command("ip", "netns", "exec", string(l.Host("x1").ns), "sleep", "1000")
			if err = cmd.Start(); err == nil {
				fmt.Println(l.claim.prefix, cmd.Process.Pid)
				select {}
			}
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// remains is what there is of labs with this prefix.
func remains(t *testing.T, prefix string) (list []string) {
	t.Helper()
	for _, pattern := range []string{filepath.Join(netnsDir, prefix+"*"), claimFile(prefix), stateDir(prefix)} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// outside is the machine's own network, as far as a lab could disturb it.
func outside(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, c := range []string{"ip -o link", "ip -o addr", "ip route show table all", "ip -6 route show table all", "ip rule", "nft list ruleset"} {
		args := strings.Fields(c)
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", c, err, out)
		}
		fmt.Fprintf(&all, "%s:\n%s", c, out)
	}
	for _, f := range []string{"ipv4/ip_forward", "ipv4/conf/all/rp_filter", "ipv6/conf/all/forwarding", "ipv4/icmp_ratelimit"} {
		text, _ := os.ReadFile(filepath.Join("/proc/sys/net", f))
		fmt.Fprintf(&all, "%s: %s", f, text)
	}
	return all.String()
}

// TestNothingLeft: what a lab made is gone after Close, and the machine's own
// network has not noticed.
func TestNothingLeft(t *testing.T) {
	Require(t)
	before := outside(t)
	n, err := Load("testdata/seven.lab")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	prefix := l.claim.prefix
	if got := len(remains(t, prefix)); got != len(l.sites)+len(l.hosts)+2 {
		t.Errorf("a lab has %d things, not a namespace for each site and host, a claim and a directory", got)
	}
	if during := outside(t); during != before {
		t.Errorf("the machine's network has changed:\n%s\nwas\n%s", during, before)
	}
	cmd := l.Host("a1").Command(t.Context(), "sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a program on a host outlived the lab")
	}
	if list := remains(t, prefix); len(list) > 0 {
		t.Errorf("left behind: %q", list)
	}
	if after := outside(t); after != before {
		t.Errorf("the machine's network has changed:\n%s\nwas\n%s", after, before)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// TestKilledLab: the next lab removes what a killed one left, and nothing of one
// that lives.
func TestKilledLab(t *testing.T) {
	alive := small(t, pair)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdVar+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	prefix, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("no lab was built: %s", line)
	}
	if len(remains(t, prefix)) == 0 {
		t.Fatal("the killed lab left nothing: this test would prove nothing")
	}
	small(t, pair)
	if list := remains(t, prefix); len(list) > 0 {
		t.Errorf("left behind: %q", list)
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && strings.Contains(string(text), "sleep") {
		await(t, "the program is gone", func() bool {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			return err != nil || len(text) == 0 // a zombie has none
		})
	}
	open(t, alive, "x1", 7).ask("still here", open(t, alive, "y1", 7))
}

// TestFailedOpen: a lab that could not be built leaves nothing.
func TestFailedOpen(t *testing.T) {
	Require(t)
	before, err := filepath.Glob(filepath.Join(netnsDir, fmt.Sprintf("ql%dx*", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "/dev/null") // so no directory can be made below it
	if _, err := Open(Network{Sites: []Site{{Name: "x"}}}, Options{}); err == nil {
		t.Fatal("a lab was built without a directory")
	}
	after, _ := filepath.Glob(filepath.Join(netnsDir, fmt.Sprintf("ql%dx*", os.Getpid())))
	if len(after) > len(before) {
		t.Errorf("left behind: %q", after)
	}
	claims, _ := filepath.Glob(claimFile(fmt.Sprintf("ql%dx*", os.Getpid())))
	if len(claims) > 0 {
		t.Errorf("left behind: %q", claims)
	}
}
