package lab

import (
	"fmt"
	"os"
	"strings"
)

// Counts returns what became of packets between sites so far.
func (l *Lab) Counts() Counts {
	l.wan.mu.Lock()
	defer l.wan.mu.Unlock()
	return l.wan.counts
}

// Carried returns what was brought from one site to another so far, as IP packets:
// the other site's router has dealt with them.
func (l *Lab) Carried(from, to string) Traffic {
	l.wan.mu.Lock()
	defer l.wan.mu.Unlock()
	i, j := l.site(from).index, l.site(to).index
	if i == j {
		return Traffic{}
	}
	return l.wan.sites[i].to[j].carried
}

// Watch has f called for every packet that is accepted for another site, one at a
// time; nil ends it. f holds up all packets, and must call nothing of the lab.
func (l *Lab) Watch(f func(Passage)) {
	l.wan.mu.Lock()
	defer l.wan.mu.Unlock()
	l.wan.watch = f
}

// Usage is what an interface has received and sent, in Ethernet frames.
type Usage struct{ Received, Sent Traffic }

// Usage returns what the host's interfaces at these sites have carried so far, all
// if none is named.
func (h *Host) Usage(sites ...string) (Usage, error) {
	var sum Usage
	err := h.Do(func() error {
		// Not /proc/net: that is of the process, not of the thread.
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		for _, n := range h.at(sites) {
			u, err := parseUsage(string(text), n.name)
			if err != nil {
				return err
			}
			sum.Received.Packets += u.Received.Packets
			sum.Received.Bytes += u.Received.Bytes
			sum.Sent.Packets += u.Sent.Packets
			sum.Sent.Bytes += u.Sent.Bytes
		}
		return nil
	})
	return sum, err
}

// parseUsage reads the line of an interface in /proc/net/dev: bytes, packets and
// six others received, then bytes and packets sent.
func parseUsage(text, name string) (u Usage, err error) {
	for line := range strings.Lines(text) {
		of, numbers, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || of != name {
			continue
		}
		var skip uint64
		_, err := fmt.Sscan(numbers, &u.Received.Bytes, &u.Received.Packets, &skip, &skip, &skip, &skip, &skip, &skip,
			&u.Sent.Bytes, &u.Sent.Packets)
		if err != nil {
			return u, fmt.Errorf("lab: counters of %s: %w", name, err)
		}
		return u, nil
	}
	return u, fmt.Errorf("lab: there is no interface %s", name)
}
