package omni

import (
	"testing"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// The nearest member is asked, though it would be no better parent, and hears where this
// peer stands; not one that is linked, or that nobody can dial.
func TestAskMate(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("linked")
	r.m.samples = newSampleTable()
	here := r.m.place.Coordinate()
	far := here
	far.X += 100 * vivaldi.Grain
	for i := range 20 {
		mate := Sample{Peer: name(i), At: here, Latency: 300 * ms, Offer: 300 * ms, Weight: 1, Reach: ReachPublic, Addr: "a"}
		other, shut := mate, mate
		other.Peer, other.At = name(100+i), far
		shut.Peer, shut.Reach = name(200+i), ReachNone
		r.known(mate, other, shut)
	}
	r.known(Sample{Peer: "linked", At: here, Weight: 1, Reach: ReachPublic, Addr: "a"})
	r.clear()
	if !r.m.askMate(r.now, &r.out) {
		t.Fatal("nobody is asked")
	}
	r.in(protocol.BudgetChanged{}) // to have the links made that are wanted
	asked := 0
	for i := range 20 {
		for _, q := range sent[Samples](r, name(i)) {
			if asked++; q.Answer || q.List[0].Peer != "self" {
				t.Errorf("asked %+v", q)
			}
		}
	}
	if asked != 1 || len(sent[Samples](r, "")) != 1 {
		t.Errorf("%d that are near are asked, %d in all, want one", asked, len(sent[Samples](r, "")))
	}
	if len(sent[Join](r, "")) != 0 {
		t.Error("it is asked for a place too")
	}
}

// A gain is told to some that are near, soon after one another.
func TestGainsAreTold(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 300*ms)
	r.m.news, r.m.sampleAt = 0, protocol.Never
	r.member("q")
	r.from("q", Offer{at("root", 1, 20*ms, "root")})
	if len(sent[Join](r, "q")) != 1 {
		t.Fatal("a far better parent is not asked for a place")
	}
	r.from("q", Accept{at("root", 1, 20*ms, "root")})
	if due := r.now.Add(sampleFirst * 5 / 4); r.m.news != tellNews || r.m.sampleAt > due {
		t.Errorf("%d are to be told, the first at %v, want %d and %v at the latest", r.m.news, r.m.sampleAt, tellNews, due)
	}
	r.wait(2 * tellNews * sampleFirst)
	if r.m.news != 0 {
		t.Errorf("%d are still to be told %v later", r.m.news, 2*tellNews*sampleFirst)
	}
}
