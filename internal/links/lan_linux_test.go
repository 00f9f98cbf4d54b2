package links

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// lanVar marks the process that runs in a network namespace of its own.
const lanVar = "QUILT_TEST_LAN"

// TestLAN: two hosts that know nothing of each other meet by multicast DNS. They
// are alone on a LAN of their own, a network namespace made for this test: what
// they announce leaves by interfaces, and must reach nobody else.
func TestLAN(t *testing.T) {
	if os.Getenv(lanVar) == "" {
		inNamespace(t)
		return
	}
	for _, args := range []string{
		"link set lo up",
		"link add lan0 type veth peer name lan1",
		"addr add 10.77.0.1/24 dev lan0",
		"link set lan0 up",
		"link set lan1 up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	announced := func(c *Config) { c.MDNS = true }
	a := newNode(t, "/ip4/10.77.0.1/tcp/0", announced)
	b := newNode(t, "/ip4/10.77.0.1/tcp/0", announced)
	found := func(at, who *node) []string {
		at.rec.mu.Lock()
		defer at.rec.mu.Unlock()
		return at.rec.found[who.ID()]
	}
	await(t, "both found", func() bool {
		if err := a.MDNSError(); err != nil {
			t.Fatal(err)
		}
		return len(found(a, b)) > 0 && len(found(b, a)) > 0
	})
	a.Dial(b.ID(), found(a, b))
	awaitUp(t, a, b)
}

// inNamespace runs this test again in a process with a network namespace of its
// own, in which there is nothing yet but a loopback interface that is down.
func inNamespace(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestLAN$", "-test.v")
	cmd.Env = append(os.Environ(), lanVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil && os.Getenv("CI") != "true" {
		t.Skipf("a network namespace needs root: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestLAN") {
		t.Fatalf("the test did not run:\n%s", out)
	}
}
