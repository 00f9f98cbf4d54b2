package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps namespaces by name.
const netnsDir = "/run/netns"

// namespace is a network namespace by its name.
type namespace string

// do calls f in the namespace. Only what f does in its own goroutine is done
// there: sockets that it makes stay in the namespace wherever they are used, and
// so do programs that it starts, whereas goroutines it starts are elsewhere. It
// must not start programs that outlive it.
func (ns namespace) do(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- ns.enter(f) }()
	return <-done
}

func (ns namespace) enter(f func() error) error {
	// Never unlocked on success: a thread that has changed its namespace ends
	// with its goroutine.
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The process's first thread must stay what it is, for it stands for the
		// process in /proc, and does not end. While it waits here, another
		// goroutine runs on another thread.
		defer runtime.UnlockOSThread()
		return ns.do(f)
	}
	fd, err := unix.Open(filepath.Join(netnsDir, string(ns)), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("lab: entering namespace %s: %w", ns, err)
	}
	return f()
}

// ip does a batch of ip commands, a line each, and stops at the first that fails.
func (ns namespace) ip(lines ...string) error {
	return ns.do(func() error { return pipe(strings.Join(lines, "\n")+"\n", "ip", "-batch", "-") })
}

// ip6 is ip where a command does not tell by itself that IPv6 is meant.
func (ns namespace) ip6(lines ...string) error {
	return ns.do(func() error { return pipe(strings.Join(lines, "\n")+"\n", "ip", "-6", "-batch", "-") })
}

// nft replaces the packet filter by the rules.
func (ns namespace) nft(rules string) error {
	return ns.do(func() error { return pipe("flush ruleset\n"+rules, "nft", "-f", "-") })
}

// limit bounds what an interface sends, in bit/s. The bucket has room for what ten
// milliseconds bring, and for two packets at least.
func (ns namespace) limit(dev string, rate int) error {
	return ns.do(func() error {
		return pipe(fmt.Sprintf("qdisc replace dev %s root tbf rate %dbit burst %d latency 100ms\n", dev, rate, max(2*mtu, rate/8/100)),
			"tc", "-batch", "-")
	})
}

// pipe runs a program on a text.
func pipe(text, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(text)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("lab: %s: %w: %s\nof:\n%s", program, err, bytes.TrimSpace(said.Bytes()), text)
	}
	return nil
}

// sysctls writes settings of the namespace, each "path below /proc/sys/net=value".
// Those that this kernel does not have per namespace are left out.
func (ns namespace) sysctls(settings ...string) error {
	return ns.do(func() error {
		for _, s := range settings {
			key, value, _ := strings.Cut(s, "=")
			err := os.WriteFile(filepath.Join("/proc/sys/net", key), []byte(value), 0)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("lab: setting %s: %w", s, err)
			}
		}
		return nil
	})
}

// quiet is what every namespace of a lab is set to: routers and hosts answer
// every probe (by default the kernel answers about one a second), addresses can
// be used at once, and replies may leave by another way than questions came.
var quiet = []string{
	"ipv4/icmp_ratelimit=0",
	"ipv4/icmp_msgs_per_sec=100000",
	"ipv4/icmp_msgs_burst=100000",
	"ipv6/icmp/ratelimit=0",
	"ipv4/conf/all/rp_filter=0",
	"ipv4/conf/default/rp_filter=0",
	"ipv6/conf/all/accept_dad=0",
	"ipv6/conf/default/accept_dad=0",
	"ipv6/conf/default/accept_ra=0",
	"ipv6/conf/default/router_solicitations=0",
}

// killAll kills what runs in the namespace.
func (ns namespace) killAll() error {
	out, err := exec.Command("ip", "netns", "pids", string(ns)).Output()
	if err != nil {
		return fmt.Errorf("lab: what runs in %s: %w", ns, err)
	}
	for _, field := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil && pid > 1 && pid != os.Getpid() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	return nil
}
