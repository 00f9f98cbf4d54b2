package adversary

import "github.com/quilt-p2p/quilt/protocol"

// eclipse wants all links of the victims, the publishers: whoever has them decides
// what leaves their hosts. See grab.
type eclipse struct{ grab }

func newEclipse(m *machine) conduct { return &eclipse{newGrab(m)} }

func (e *eclipse) hear(now protocol.Time, in protocol.Input) protocol.Input {
	for _, v := range e.m.plot.victims {
		e.want(v)
	}
	return e.grab.hear(now, in)
}
