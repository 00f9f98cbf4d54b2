package lab

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	got, err := Parse(strings.NewReader(`# all there is
seed 9
site a symmetric hosts=h1,h2 ip=46 path=r1,*,r2 resolver=dns access=5ms multicast=snoop expiry=30s rate=1.5M
site b lan # nothing more

link default delay=20ms loss=1% hops=x,*
link b a delay=1ms loss=0.5 hops=y
`))
	want := Network{
		Seed: 9,
		Sites: []Site{
			{Name: "a", Kind: Symmetric, IP: Dual, Hosts: []string{"h1", "h2"}, Path: []string{"r1", Silent, "r2"},
				Resolver: "dns", Access: 5 * time.Millisecond, Multicast: Snoop, Expiry: 30 * time.Second, Rate: 1_500_000},
			{Name: "b", Kind: LAN},
		},
		Default: Link{Delay: 20 * time.Millisecond, Loss: 0.01, Hops: []string{"x", Silent}},
		Links:   []Link{{A: "b", B: "a", Delay: time.Millisecond, Loss: 0.5, Hops: []string{"y"}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v, %v, want\n%+v", got, err, want)
	}
	if l := got.link("a", "b"); l.A != "a" || l.Delay != time.Millisecond {
		t.Errorf("the link from a to b is %+v", l)
	}
	two := Network{Default: want.Default}
	if there, back := two.link("a", "b"), two.link("b", "a"); there.Hops[0] != "x" || back.Hops[0] != Silent {
		t.Errorf("the default link has the hops %v and back %v", there.Hops, back.Hops)
	}
}

// TestRefused: what is wrong is said, and where.
func TestRefused(t *testing.T) {
	many := strings.Repeat("h,", MaxHosts) + "h"
	for text, want := range map[string]string{
		"":                       "0 sites",
		"town a lan":             "line 1: lab: not a statement",
		"site a":                 "not a statement",
		"site a palace":          `no kind "palace"`,
		"site a lan rate=1k":     "a rate of 1000",
		"site a lan rate=fast":   "invalid syntax",
		"site A lan":             "the name is not",
		"site a lan\nsite a lan": "two sites",
		"site a lan hosts=h,h":   "is at site a twice",
		"site a lan hosts=h\nsite b lan hosts=h\nsite c lan hosts=h\nsite d lan hosts=h\nsite e lan hosts=h": "5 sites; it can be at 4",
		"site a lan hosts=H":       `host name "H"`,
		"site a lan hosts=" + many: "201 hosts",
		"site a lan hosts":         "not one key=value",
		"site a lan hosts=":        "not one key=value",
		"site a lan ip=4 ip=6":     "the key once",
		"site a lan ip=5":          "no IP family",
		"site a cone ip=6":         "NAT of IPv4 at a site without",
		"site a lan path=r/1":      "router's name",
		"site a lan path=" + strings.Repeat("*,", MaxHops) + "*": "31 hops",
		"site a lan resolver=*":                                  "resolver's name",
		"site a lan access=11s":                                  "access delay",
		"site a lan access=fast":                                 "access=fast",
		"site a lan multicast=yes":                               `multicast as "yes"`,
		"site a cone portmap=maybe":                              "yes or no",
		"site a lan portmap=yes":                                 "no NAT",
		"site a lan expiry=1500ms":                               "whole seconds",
		"site a lan colour=red":                                  "no such setting",
		"site a lan\nlink a b":                                   `joins "a" and "b"`,
		"site a lan\nlink a a":                                   "not two sites",
		"site a lan\nsite b lan\nlink a b\nlink b a":             "two links",
		"site a lan\nlink default loss=101%":                     "a loss of",
		"site a lan\nlink default loss=NaN":                      "a loss of",
		"site a lan\nlink default loss=some":                     "line 2",
		"site a lan\nlink default delay=11s":                     "a delay of",
		"site a lan\nlink default colour=red":                    "no such setting",
		"site a lan\nlink default\nlink default":                 "line 3: lab: a second",
		"seed 1\nseed 1\nsite a lan":                             "a second",
		"seed x":                                                 "not a number",
		"site a lan" + strings.Repeat("\n", MaxFile):             "more than",
		"site a lan" + strings.Repeat(" ", MaxFile):              "too long",
		"site s lan\n" + manySites(MaxSites):                     "201 sites",
	} {
		if _, err := Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	routers := Network{Sites: make([]Site, 2), Links: make([]Link, MaxRouters/MaxHops+1)}
	for i := range routers.Links {
		routers.Links[i].Hops = strings.Fields(strings.Repeat("r"+strconv.Itoa(i)+" ", MaxHops))
		for j := range routers.Links[i].Hops {
			routers.Links[i].Hops[j] += "-" + strconv.Itoa(j)
		}
	}
	routers.Sites[0].Name, routers.Sites[1].Name = "a", "b"
	if err := routers.check(); err == nil || !strings.Contains(err.Error(), "routers; there can be") {
		t.Errorf("too many routers: %v", err)
	}
	if _, err := Parse(strings.NewReader(manySites(MaxSites))); err != nil {
		t.Error(err)
	}
	if _, err := Load("testdata/none.lab"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func manySites(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("site s")
		b.WriteByte(byte('a' + i/26))
		b.WriteByte(byte('a' + i%26))
		b.WriteString(" lan\n")
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add("site a lan hosts=x\nsite b cone path=r,*\nlink a b delay=1ms loss=2%\nlink default hops=q")
	f.Add("seed 1\n# nothing")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(strings.NewReader(text))
		if err == nil && n.check() == nil && len(n.Sites) < 20 {
			newWAN(&n) // what was let in can be built
		}
	})
}
