package scenario

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// small is a scenario in which much happens to few.
func small() Scenario {
	return Scenario{Topology: "lognormal:40", Items: 12, Rate: 4, Warmup: 20 * time.Second, Kill: 0.3, Late: 0.1,
		Churn: 20 * time.Second, Partition: 0.3, PartitionFor: time.Second, Loss: 0.02, Jitter: 0.2}
}

func mustRun(t *testing.T, s Scenario, o Options) *Result {
	t.Helper()
	res, _, err := Run(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Same scenario, same trace, however it is looked at; another seed, another.
func TestSameTrace(t *testing.T) {
	s := small()
	first := mustRun(t, s, Options{})
	var lines strings.Builder
	calls := 0
	watched := mustRun(t, s, Options{Check: true, Trace: &lines, TraceItem: 3, Progress: func(Progress) error { calls++; return nil }})
	if watched.Trace != first.Trace || watched.VirtualSeconds != first.VirtualSeconds || *watched.Latency != *first.Latency {
		t.Errorf("%+v, but looked at %+v", first, watched)
	}
	if lines.Len() == 0 || calls < 4 {
		t.Errorf("%d bytes of trace, %d calls of progress", lines.Len(), calls)
	}
	s.Codec = true
	if coded := mustRun(t, s, Options{}); coded.Trace != first.Trace {
		t.Error("the trace is another where messages are encoded and decoded")
	}
	s.Codec, s.Seed = false, 2
	if other := mustRun(t, s, Options{}); other.Trace == first.Trace {
		t.Error("seeds 1 and 2 gave the same trace")
	}
}

// The command that an error names has the check on, and the run that it is of.
func TestCheckFindsWhatIsBroken(t *testing.T) {
	s := small()
	r, err := newRun(s, Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	r.bounds.topicView = 3 // and views will have five
	err = r.play(context.Background())
	var broken *InvariantError
	if !errors.As(err, &broken) {
		t.Fatalf("%v", err)
	}
	if broken.Seed != 1 || broken.At <= 0 || broken.At > s.Warmup || broken.Host == "" ||
		broken.Err.Error() != "view of the topic: 4 neighbours, more than 3" {
		t.Errorf("%+v", broken)
	}
	if want := s.Command() + " --check"; broken.Command != want || !strings.Contains(err.Error(), "\nreplay: "+want) {
		t.Errorf("%v\nwant the command %s", err, want)
	}
}

func TestDeliveredTwice(t *testing.T) {
	r, err := newRun(Scenario{Topology: "lognormal:10", Items: 2, Warmup: 10 * time.Second}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.play(context.Background()); err != nil {
		t.Fatal(err)
	}
	h := r.net.Hosts()[0]
	if h.Index() == int(r.meter.items[0].author) {
		h = r.net.Hosts()[1]
	}
	r.delivered(h, h.Delivered(topicName)[0])
	if r.broken == nil || !strings.Contains(r.broken.Error(), "is delivered twice") {
		t.Errorf("%v", r.broken)
	}
}

// A protocol that panics says how to see it again.
func TestPanicSaysHowToReplay(t *testing.T) {
	bad := protocol.Plugin{Name: "bad", New: func(protocol.Env) protocol.Machine { panic("no machine") }}
	defer func() {
		p, _ := recover().(string)
		if !strings.HasPrefix(p, "no machine\nreplay: quilt-peer simulate --topology king:9 --protocol bad") {
			t.Errorf("panics with %q", p)
		}
	}()
	mustRun(t, Scenario{Topology: "king:9", Protocol: "bad"}, Options{Plugins: []protocol.Plugin{bad}})
	t.Error("does not panic")
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	phases := []string{}
	_, _, err := Run(ctx, small(), Options{Progress: func(p Progress) error {
		if !slices.Contains(phases, p.Phase) {
			phases = append(phases, p.Phase)
		}
		if p.Phase == phasePublishing {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || !slices.Equal(phases, []string{phaseJoining, phaseWarming, phasePublishing}) {
		t.Errorf("%v after %v", err, phases)
	}
	ctx, cancel = context.WithCancel(context.Background())
	fast := small()
	fast.Rate = 200 // the last are under way when all are published
	res, _, err := Run(ctx, fast, Options{Progress: func(p Progress) error {
		if p.Phase == phaseDraining {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || res == nil || res.Lost == 0 || res.DeliveryRatio == 0 {
		t.Errorf("ended when all was published: %v, %+v", err, res)
	}
	enough := errors.New("enough")
	if _, _, err := Run(context.Background(), small(), Options{Progress: func(Progress) error { return enough }}); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

// What progress says goes only forward, and at the end all is done.
func TestProgress(t *testing.T) {
	var last Progress
	s := small()
	s.Churn = 0
	res := mustRun(t, s, Options{Progress: func(p Progress) error {
		if p.Now < last.Now || p.Events < last.Events || p.Delivered < last.Delivered || p.Now > p.End || p.Delivered > p.Expected {
			t.Errorf("%+v after %+v", p, last)
		}
		if last = p; p.Phase == phasePublishing && p.EventsLeft == 0 {
			t.Errorf("nothing is left: %+v", p)
		}
		return nil
	}})
	if last.Phase != phaseDraining || last.EventsLeft != 0 || last.Events != res.Events || last.Hosts != 28 {
		t.Errorf("ends with %+v", last)
	}
}

// Hosts join in the first quarter, by a contact that lives and can be dialled.
func TestJoining(t *testing.T) {
	r, err := newRun(small(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.setCut(true)
	for i, place := range r.world.order {
		r.join(place)
		if at := joinAt(&r.s, i, len(r.world.order)); at < 0 || at >= r.s.Warmup/4 {
			t.Errorf("host %d joins at %v", i, at)
		}
	}
	for i := range r.contacts {
		if i%2 == 0 {
			r.net.Hosts()[r.contacts[i]].Kill()
		}
	}
	counts := make(map[*sim.Host]int)
	for place := range int32(40) {
		c := r.drawContact(place)
		if c == nil || !c.Alive() || !r.world.reachable(int32(c.Place())) ||
			r.world.is(int32(c.Place()), cutOff) != r.world.is(place, cutOff) {
			t.Errorf("place %d has the contact %+v", place, c)
		}
		counts[c]++
	}
	if len(counts) < 3 {
		t.Errorf("there are %d contacts for 40 hosts", len(counts))
	}
}
