package sim

import "time"

// latency is the one-way delay between two hosts before jitter and bandwidth: half
// the topology's round trip, or Config.Latency. It is the same both ways.
func (n *Network) latency(a, b int32) time.Duration {
	if t := n.cfg.Topology; t != nil {
		return t.RTT(int(n.places[a]), int(n.places[b])) / 2
	}
	return n.cfg.Latency
}

// trip draws how long one message is under way: the latency and up to the share
// Config.Jitter of it more, uniformly. Nothing is drawn without jitter.
func (n *Network) trip(a, b int32) time.Duration {
	d := n.latency(a, b)
	if n.cfg.Jitter > 0 {
		d += time.Duration(n.links.Float64() * n.cfg.Jitter * float64(d))
	}
	return d
}
