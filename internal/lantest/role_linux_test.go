package lantest

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/ipmc/driver"
	"github.com/quilt-p2p/quilt/protocol"
)

// roleVar names what a process is that a test has started.
const roleVar = "QUILT_LANTEST_ROLE"

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVar); name != "" {
		if err := play(name); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		return
	}
	// Tests that may run beside others wait more than they work, whatever the machine has.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// order is what a process is told to do, a line of JSON on its standard input. When it
// is done the process answers with a report.
type order struct {
	Do          string // "publish", "report", "join", "leave", "meet", "profile"
	Topic       string // of what is published, joined or left; empty for the usual one
	Items, Size int
	Rate        float64
	Contacts    []contact // of "meet"
}

// contact is where a peer is.
type contact struct{ ID, Addr string }

// report is what a process says of itself.
type report struct {
	Err                string `json:",omitempty"`
	Delivered, Invalid int
	Repaired           int // of those delivered, by digests
	Links              int
	Self               contact
	Sent               int // packets of floods
	User, System       time.Duration
	HeapMiB            float64 // in use
	RSSMiB             float64
	Idle               time.Duration // since the last delivery
	Took               time.Duration // of what was ordered
	Fit                []bool
	Why                string // the last reason for not being fit
	IPMC               ipmc.Explanation
	Placed             bool // in the part of the mesh that pushes
	Distrusted         int  // peers, for their conduct
	Copies             int  // of items that came
	Driver             driver.Counters
	ByTopic            map[string]int // deliveries
	Sharing            driver.SharingState
}

// role is what a process plays.
type role interface {
	order(o order) error
	report(r *report)
}

var roles = map[string]func() (role, error){
	"ipmc":    newMember,
	"sender":  newBareSender,
	"reader":  newBareReader,
	"pubsub":  newPubSub,
	"hostile": newHostile,
	"mesh":    newMeshPeer,
}

// play plays a role until standard input ends.
func play(name string) error {
	r, err := roles[name]()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	if err := out.Encode(report{}); err != nil {
		return err
	}
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			return err
		}
		begin := time.Now()
		err := error(nil)
		if o.Do == "profile" {
			err = profile(name)
		} else {
			err = r.order(o)
		}
		answer := report{Took: time.Since(begin)}
		if err != nil {
			answer.Err = err.Error()
		}
		answer.use()
		r.report(&answer)
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return in.Err()
}

// profileVar names a directory for profiles of the CPU, one a process, of what benchmarks
// measure.
const profileVar = "QUILT_LANTEST_PROFILE"

// profiling is the profile that is being written; nil for none.
var profiling *os.File

// profile begins a profile, or ends the one that was begun.
func profile(name string) (err error) {
	if profiling != nil {
		pprof.StopCPUProfile()
		err = profiling.Close()
		profiling = nil
		return err
	}
	profiling, err = os.Create(filepath.Join(os.Getenv(profileVar), fmt.Sprintf("%s.%d.cpu", name, os.Getpid())))
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(profiling)
}

// profiled has processes begin a profile, or end it, where profiles are wanted.
func profiled(list []*process) {
	if os.Getenv(profileVar) == "" {
		return
	}
	for _, p := range list {
		p.do(order{Do: "profile"})
	}
}

// use fills in what the process has used.
func (r *report) use() {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		r.User, r.System = time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.HeapMiB = float64(m.HeapAlloc) / (1 << 20)
	text, err := os.ReadFile("/proc/self/statm")
	if f := strings.Fields(string(text)); err == nil && len(f) > 1 {
		pages, _ := strconv.ParseFloat(f[1], 64)
		r.RSSMiB = pages * float64(os.Getpagesize()) / (1 << 20)
	}
}

// member is a peer with multicast.
type member struct{ *endpoint }

func newMember() (role, error) {
	s := setup{six: os.Getenv("QUILT_LANTEST_IPV6") != "", driver: driver.Config{Interfaces: []string{"eth0"}, Alone: true}}
	s.rate, _ = strconv.ParseInt(os.Getenv("QUILT_LANTEST_BYTES"), 10, 64)
	s.driver.MaxGroups, _ = strconv.Atoi(os.Getenv("QUILT_LANTEST_GROUPS"))
	s.links = os.Getenv("QUILT_LANTEST_LINKS") != ""
	s.topics = strings.Fields(os.Getenv("QUILT_LANTEST_TOPICS"))
	e, err := newEndpoint(s)
	if err != nil {
		return nil, err
	}
	return member{e}, nil
}

func (m member) order(o order) error {
	switch o.Do {
	case "publish":
		return m.publish(o.Topic, o.Items, o.Size, o.Rate)
	case "join":
		m.driver.AddTopic(protocol.TopicOf(o.Topic), ipmc.KeyOf(o.Topic, "", nil))
		m.do(func() { m.handle(core.Join{Name: o.Topic}) })
	case "meet":
		in := core.Contacts{Topic: topicID}
		for _, c := range o.Contacts {
			id, err := peer.Decode(c.ID)
			if err != nil {
				return err
			}
			in.Records = append(in.Records, gossipmembership.Record{Peer: id, Addrs: []string{c.Addr}})
		}
		m.do(func() { m.handle(in) })
	case "leave":
		m.do(func() { m.handle(core.Leave{Topic: protocol.TopicOf(o.Topic)}) })
		m.driver.RemoveTopic(protocol.TopicOf(o.Topic))
	}
	return nil
}

func (m member) report(r *report) {
	m.do(func() {
		r.Delivered, r.Invalid, r.Fit, r.ByTopic = m.delivered, m.invalid, m.fit, maps.Clone(m.byTopic)
		r.Why, r.Repaired = m.why, m.repaired
		r.IPMC = m.machine.Explain(m.now()).(ipmc.Explanation)
		r.Idle = m.now().Sub(m.last)
	})
	if m.mesh != nil {
		m.mesh.mu.Lock()
		r.Links, r.Self = len(m.mesh.links), contact{m.id.String(), m.mesh.at}
		m.mesh.mu.Unlock()
	}
	r.Driver = m.driver.Counters()
	r.Sharing = m.driver.SharingOf(m.driver.NICs()[0].NIC)
}
