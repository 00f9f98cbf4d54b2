package lab

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxUnderway bounds the packets between sites. At 1500 bytes that is 400 MB;
// more are dropped and counted, as a router's queue does.
const maxUnderway = 1 << 18

// mtu is the largest packet on all links of a lab.
const mtu = 1500

// carrier brings packets from site to site as the wan decides. A TUN interface in
// each site's router is its end there; the descriptors are in this process, so
// there is no namespace in which the packets could be mistaken for others.
type carrier struct {
	wan   *wan
	tuns  []*os.File // by site
	timer *os.File   // a timerfd: the runtime's timers are up to 1 ms late

	mu       sync.Mutex
	queue    underway
	sequence uint64
	start    time.Time
	done     sync.WaitGroup
}

// newCarrier makes one that waits for the sites' TUN interfaces, and for run.
func newCarrier(w *wan) (*carrier, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("lab: timerfd: %w", err)
	}
	return &carrier{wan: w, tuns: make([]*os.File, len(w.sites)), timer: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// openTUN makes the TUN interface in the network namespace of the calling thread.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		// Before the runtime's poller sees the descriptor: what is not yet
		// attached polls as an error, for ever.
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("making the TUN interface %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// run begins to carry, once every site has its TUN interface.
func (c *carrier) run() {
	c.start = time.Now()
	c.done.Go(c.deliver)
	for site, tun := range c.tuns {
		c.done.Go(func() { c.read(site, tun) })
	}
}

// read takes what the site sends out until the TUN is closed.
func (c *carrier) read(site int, tun *os.File) {
	buf := make([]byte, 65536)
	for {
		n, err := tun.Read(buf)
		if err != nil {
			if errors.Is(err, os.ErrClosed) {
				return
			}
			// The interface is down: it tells so until it is up again.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		now := time.Since(c.start)
		if d, ok := c.wan.take(site, append([]byte(nil), buf[:n]...)); ok {
			c.push(now+d.after, d)
		}
	}
}

func (c *carrier) push(due time.Duration, d delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) >= maxUnderway {
		c.wan.mu.Lock()
		c.wan.counts.Overflow++
		c.wan.mu.Unlock()
		return
	}
	c.sequence++
	heap.Push(&c.queue, parcel{due, c.sequence, d})
	if c.queue[0].sequence == c.sequence {
		c.arm()
	}
}

// arm sets the timer to the first packet. The caller holds the lock.
func (c *carrier) arm() {
	after := max(c.queue[0].at-time.Since(c.start), 1) // 0 would disarm it
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after))}
	raw, err := c.timer.SyscallConn()
	if err != nil {
		return // closing
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &spec, nil) })
}

// deliver puts out what is due until the timer is closed.
func (c *carrier) deliver() {
	var expirations [8]byte
	var batch []delivery
	for {
		if _, err := c.timer.Read(expirations[:]); err != nil || binary.NativeEndian.Uint64(expirations[:]) == 0 {
			return
		}
		batch = c.due(batch[:0])
		for _, d := range batch {
			// An interface that is down refuses, a full one drops: as cables do.
			_, _ = c.tuns[d.site.index].Write(d.raw)
		}
		c.wan.delivered(batch)
	}
}

// due takes from the queue what is due, and arms the timer for the next.
func (c *carrier) due(batch []delivery) []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.start)
	for len(c.queue) > 0 && c.queue[0].at <= now {
		batch = append(batch, heap.Pop(&c.queue).(parcel).delivery)
	}
	if len(c.queue) > 0 {
		c.arm()
	}
	return batch
}

// close ends it, and with the descriptors the interfaces.
func (c *carrier) close() {
	for _, t := range c.tuns {
		if t != nil {
			t.Close()
		}
	}
	c.timer.Close()
	c.done.Wait()
}

// parcel is one packet under way.
type parcel struct {
	at       time.Duration // since the carrier's start
	sequence uint64        // packets of one lane keep their order
	delivery
}

// underway is a heap of packets by time, then by arrival.
type underway []parcel

func (q underway) Len() int { return len(q) }
func (q underway) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].sequence < q[j].sequence
}
func (q underway) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *underway) Push(x any)   { *q = append(*q, x.(parcel)) }
func (q *underway) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = parcel{}
	*q = (*q)[:last]
	return x
}
