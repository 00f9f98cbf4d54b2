package detect

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// Peers say by themselves what they see of this host only once, when a connection is
// new, and only of a connection by QUIC it says what the NAT does with the port on which
// this host listens. So where links outlive a change of the network, or have come up by
// TCP, nobody says what is wanted. A survey asks: it calls on several peers from the
// port listened on, and leaves at once.

// Seen is what a peer says that it sees of this host over a connection between two
// addresses.
type Seen struct {
	Peer                peer.ID
	Local, Remote, Seen ma.Multiaddr
}

// Times and bounds of surveys (our guesses).
const (
	// firstSurvey is how long after an interface has come or changed there is the first,
	// if nothing is known of its NAT by then. The pause doubles from surveyPause to
	// maxSurveyPause while nothing comes of it.
	firstSurvey    = 1500 * time.Millisecond
	surveyPause    = 2 * time.Second
	maxSurveyPause = 5 * time.Minute
	// surveySize is how many must have answered: enough to tell all mappings.
	surveySize = leastDisagreeing
	// maxSurveyed is how many are called on at most, half of them may not be there.
	maxSurveyed = 2 * surveySize
	// checkEvery is how often one is asked, though all is known, whether it is still so: a
	// router gets another address, and no interface tells of it. Where a connection has
	// ended or a hole punch failed, which may come of that, it is checkAfter that, but not
	// within checkRest of the last time.
	checkEvery = 20 * time.Minute
	checkAfter = 3 * time.Second
	checkRest  = 2 * time.Minute
	// lookTimeout is how long each has to answer, by two ways.
	lookTimeout = 10 * time.Second
)

// survey is when an interface's family is looked at from outside.
type survey struct {
	at    time.Time     // the next
	pause time.Duration // after it; zero: all is known, and one peer is asked
	runs  bool
	doubt bool // the one said something else
	last  time.Time
}

// wantsSurvey reports whether too little is known of the NAT before an interface: of one
// with a public address whether there is any, of another also the port that the NAT keeps
// for it.
func (s *standing) wantsSurvey(f euid.Family, o *euid.Observation) bool {
	if !s.exit[f] || !s.nic.has(f) {
		return false
	}
	if s.ownPublic(f).IsValid() {
		return o.Mapping == euid.MappingUnknown
	}
	return !o.Public[f].IsValid() || s.listens[f][euid.UDP] && s.views[f][euid.UDP].mapping == euid.MappingUnknown
}

// schedule says when an interface is looked at next, of a family that wants it or not.
func (v *survey) schedule(now, begun time.Time, wanted bool) {
	switch {
	case v.runs || v.doubt:
	case !wanted:
		if v.pause != 0 || v.at.IsZero() {
			v.pause, v.at = 0, now.Add(checkEvery*3/4+rand.N(checkEvery/2))
		}
	case v.at.IsZero():
		v.pause, v.at = surveyPause, begun.Add(firstSurvey)
	case v.pause == 0: // it was known until now
		v.pause, v.at = surveyPause, now.Add(firstSurvey)
	}
}

// hint has it looked soon whether all is as it was.
func (v *survey) hint(now time.Time) {
	if soon := now.Add(checkAfter); !v.runs && v.pause == 0 && now.Sub(v.last) >= checkRest && soon.Before(v.at) {
		v.at = soon
	}
}

// surveys starts those of an interface that are due.
func (l *loop) surveys(now time.Time, n *nic) {
	if l.d.cfg.Judges == nil {
		return
	}
	for f := range euid.NumFamilies {
		v := &n.surveys[f]
		if v.runs || v.at.IsZero() || now.Before(v.at) {
			continue
		}
		size := surveySize
		if v.pause == 0 {
			size = 1
		}
		list := l.surveyed(f, size)
		if len(list) == 0 { // somebody may be known soon
			v.at = now.Add(surveyPause)
			continue
		}
		v.runs = true
		look := l.d.cfg.Judges.Look
		l.work(n, func(ctx context.Context, tell func(result)) {
			tell(result{survey: &surveyed{f, size, lookAll(ctx, look, list, size)}})
		})
	}
}

// surveyed are those who are called on, the best first: of different sites, who can
// surely be called, to whom this host has sent anyway, so that they are no strangers to
// its NAT already.
func (l *loop) surveyed(f euid.Family, size int) (list []Judge) {
	all := slices.DeleteFunc(slices.Clone(l.d.cfg.Judges.Others(f)), func(j Judge) bool { return l.near(j.Addr) })
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	rank := func(j Judge) (r int) {
		if !j.Sure {
			r = 2
		}
		if !l.sentTo(plain(j.Addr), euid.UDP) {
			r++
		}
		return r
	}
	slices.SortStableFunc(all, func(a, b Judge) int { return rank(a) - rank(b) })
	var seen []netip.Prefix
	for _, j := range all {
		if by := observer(plain(j.Addr)); !slices.Contains(seen, by) && len(list) < 2*size {
			seen, list = append(seen, by), append(list, j)
		}
	}
	return list
}

// surveyed is what came of one.
type surveyed struct {
	family euid.Family
	size   int
	seen   []Seen
}

// lookAll calls on judges, so many at a time, until so many have answered.
func lookAll(ctx context.Context, look func(context.Context, Judge) (Seen, error), list []Judge, size int) (seen []Seen) {
	type reply struct {
		Seen
		err error
	}
	replies := make(chan reply)
	for pending := 0; len(seen) < size; {
		for ; pending < size-len(seen) && len(list) > 0; pending++ {
			j := list[0]
			list = list[1:]
			go func() {
				ctx, cancel := context.WithTimeout(ctx, lookTimeout)
				defer cancel()
				s, err := look(ctx, j)
				replies <- reply{s, err}
			}()
		}
		if pending == 0 {
			break
		}
		r := <-replies
		if pending--; r.err == nil {
			seen = append(seen, r.Seen)
		}
	}
	return seen
}

// surveyTaken takes in what came of a survey. Where it contradicts what was seen before,
// that was before a change; if only one was asked, others are now.
func (l *loop) surveyTaken(now time.Time, n *nic, r *surveyed) {
	v := &n.surveys[r.family]
	v.runs, v.doubt, v.last = false, false, now
	if v.at = now.Add(v.pause); v.pause == 0 {
		v.at = now.Add(checkEvery)
	}
	v.pause = min(2*v.pause, maxSurveyPause)
	var news []sighting
	for _, s := range r.seen {
		if s, ok := newSighting(now, s.Peer, s.Local, s.Remote, s.Seen); ok {
			news = append(news, s)
		}
	}
	if r.size < surveySize {
		if len(news) > 0 && n.views[r.family][news[0].transport].contradicts(&news[0]) {
			v.pause, v.at, v.doubt = surveyPause, now, true
		}
		return
	}
	for _, s := range news {
		l.outside.sightings.add(s)
	}
	l.outside.sightings.outdate(&n.ifc, news)
}

// nextSurvey is when the next survey of an interface may be.
func (n *nic) nextSurvey() (t time.Time) {
	for _, v := range n.surveys {
		if !v.runs && !v.at.IsZero() && (t.IsZero() || v.at.Before(t)) {
			t = v.at
		}
	}
	return t
}
