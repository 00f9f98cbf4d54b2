package driver

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/ipmc/share"
	"github.com/quilt-p2p/quilt/protocol"
)

// sharing opens a driver on loopback that joins four groups at most, and n topics.
func sharing(t *testing.T, self string, n int) (*Driver, chan heardFrame) {
	t.Helper()
	d, heard := open(t, Config{MaxGroups: 4, Sharing: &Sharing{Self: protocol.PeerID(self),
		Sign: func([]byte) []byte { return []byte(self) }, Verify: func(p protocol.PeerID, _, sig []byte) bool { return string(sig) == string(p) }}})
	for i := range n {
		name := fmt.Sprint("topic ", i)
		d.AddTopic(protocol.TopicOf(name), ipmc.KeyOf(name, "", nil))
		if err := d.Join(d.nics[0].NIC, ipmc.GroupOf(name, "", ipmc.SiteLocal, false)); err != nil {
			t.Fatal(err)
		}
	}
	return d, heard
}

// TestSharing: who has more topics than groups shares them with who has few, and both
// hear each other in all topics they have in common.
func TestSharing(t *testing.T) {
	a, heardA := sharing(t, "a", 9)
	b, heardB := sharing(t, "b", 2)
	lo := a.nics[0].NIC
	for end := time.Now().Add(time.Minute); a.SharingOf(lo).Heard == 0 || b.SharingOf(lo).Heard == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v, %+v", a.SharingOf(lo), b.SharingOf(lo))
		}
	}
	if st := a.SharingOf(lo); st.Wanted != 9 || st.Joined > 4 || st.Shared != 9-st.Joined+1 {
		t.Errorf("it shares %+v", st)
	}
	for i := range 2 {
		name := fmt.Sprint("topic ", i)
		say := func(from *Driver, heard chan heardFrame) {
			t.Helper()
			// Until both have decided alike some listen elsewhere.
			for end := time.Now().Add(time.Minute); ; {
				from.Send(protocol.Multicast{NIC: lo, Group: ipmc.GroupOf(name, "", ipmc.SiteLocal, false), Topic: protocol.TopicOf(name), Object: 16, Msg: message(i + 1)})
				select {
				case <-heard:
					return
				case <-time.After(200 * time.Millisecond):
				}
				if time.Now().After(end) {
					t.Fatalf("%s is not heard: %+v, %+v", name, a.SharingOf(lo), b.SharingOf(lo))
				}
			}
		}
		say(a, heardB)
		say(b, heardA)
	}
	for i := range 9 {
		a.Leave(lo, ipmc.GroupOf(fmt.Sprint("topic ", i), "", ipmc.SiteLocal, false))
	}
	if st := a.SharingOf(lo); st.Joined != 0 || st.Wanted != 0 {
		t.Errorf("it has left all: %+v", st)
	}
}

// TestSharingBound: no more groups are wanted than rosters can name.
func TestSharingBound(t *testing.T) {
	d, _ := sharing(t, "a", 0)
	lo := d.nics[0].NIC
	for i := range share.MaxGroups + 1 {
		err := d.Join(lo, ipmc.GroupOf("t", fmt.Sprint(i), ipmc.SiteLocal, false))
		if want := i == share.MaxGroups; errors.Is(err, ErrTooManyGroups) != want {
			t.Fatalf("group %d: %v", i, err)
		}
	}
	if st := d.SharingOf(lo); st.Joined > 4 {
		t.Errorf("%+v", st)
	}
}
