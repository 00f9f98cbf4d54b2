package lab

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Wire is what was on a LAN: Ethernet frames, each counted once however many
// hosts got it.
type Wire struct {
	Unicast, Multicast, Broadcast Traffic
	// UDPMulticast is the part of Multicast that is IPv4 or IPv6 multicast of UDP:
	// without ARP, IGMP, MLD and neighbour discovery.
	UDPMulticast Traffic
}

// Capture listens on a LAN.
type Capture struct {
	file *os.File
	each func(frame []byte)
	done chan struct{}

	mu   sync.Mutex
	wire Wire
}

// Capture begins to listen on the LAN of a site, the traffic between its hosts
// included. each, if not nil, is given every frame, the Ethernet header first; the
// bytes are valid only during the call.
func (l *Lab) Capture(name string, each func(frame []byte)) (*Capture, error) {
	c := &Capture{each: each, done: make(chan struct{})}
	err := l.site(name).ns.do(func() (err error) {
		c.file, err = openCapture("br0")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: listening on the LAN of %s: %w", name, err)
	}
	l.later(func() { c.Stop() })
	go c.read()
	return c, nil
}

// openCapture opens a packet socket on a bridge in the calling thread's namespace.
// In promiscuous mode a bridge is shown what passes between its ports as well.
func openCapture(name string) (*os.File, error) {
	all := int(htons(unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
	}
	if err == nil {
		index := int32(ifr.Uint32())
		err = unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: index, Type: unix.PACKET_MR_PROMISC})
		if err == nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) // else bursts are missed
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: int(index)})
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func (c *Capture) read() {
	defer close(c.done)
	buf := make([]byte, 65536)
	for {
		n, err := c.file.Read(buf)
		if err != nil {
			return
		}
		if n < 14 {
			continue
		}
		c.mu.Lock()
		c.wire.count(buf[:n])
		c.mu.Unlock()
		if c.each != nil {
			c.each(buf[:n])
		}
	}
}

// count counts an Ethernet frame.
func (w *Wire) count(frame []byte) {
	switch {
	case [6]byte(frame[:6]) == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		w.Broadcast.add(len(frame))
	case frame[0]&1 == 1:
		w.Multicast.add(len(frame))
		if p, ok := parseFrame(frame); ok && p.proto == protoUDP {
			w.UDPMulticast.add(len(frame))
		}
	default:
		w.Unicast.add(len(frame))
	}
}

// parseFrame returns the IP packet in an Ethernet frame.
func parseFrame(frame []byte) (packet, bool) {
	if len(frame) < 14 {
		return packet{}, false
	}
	kind := uint16(frame[12])<<8 | uint16(frame[13])
	if kind != unix.ETH_P_IP && kind != unix.ETH_P_IPV6 {
		return packet{}, false
	}
	return parsePacket(frame[14:])
}

// Wire returns what was counted so far.
func (c *Capture) Wire() Wire {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire
}

// Stop ends the capture and returns what was counted.
func (c *Capture) Stop() Wire {
	c.file.Close()
	<-c.done
	return c.Wire()
}
