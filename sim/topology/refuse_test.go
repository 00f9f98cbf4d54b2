package topology

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	goodSettings = `{"name":"x","hosts":"hosts.csv","rtt_ms":"rtt_ms.csv","same_cluster_rtt_ms":0.2,"same_location_rtt_ms":1}`
	goodHeader   = "host,location,cluster,addr,dns,routers,nat,ipmc,up_mbps,down_mbps\n"
	goodHosts    = goodHeader + "a,0,c,193.51.0.1,dns,sw;gw,none,,10,100\nb,1,c,193.51.0.2,dns,sw;gw,cone,,10,100\n"
	goodMatrix   = "0,5\n5,0\n"
)

// small is a topology of two hosts with some files replaced; "-" for one that is
// missing.
func small(replace map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, data := range map[string]string{"topology.json": goodSettings, "hosts.csv": goodHosts, "rtt_ms.csv": goodMatrix} {
		files[name] = &fstest.MapFile{Data: []byte(data)}
	}
	for name, data := range replace {
		files[name] = &fstest.MapFile{Data: []byte(data)}
		if data == "-" {
			delete(files, name)
		}
	}
	return files
}

// refused checks that a topology is refused with an error that begins so, and that
// the error says more, namely what to do.
func refused(t *testing.T, fsys fs.FS, lim limits, want string) {
	t.Helper()
	_, err := load(fsys, ".", lim)
	var format *FormatError
	if !errors.As(err, &format) {
		t.Fatalf("got %v, want a FormatError %s", err, want)
	}
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if format.Advice == "" {
		t.Errorf("%s: does not say what to do", err)
	}
}

func TestRefusedSettings(t *testing.T) {
	set := func(old, new string) string { return strings.Replace(goodSettings, old, new, 1) }
	for _, tt := range []struct{ data, want string }{
		{"-", "topology.json: no such file, nor topology.json.gz: "},
		{"", "topology.json:1:1: empty file: "},
		{" \n ", "topology.json:1:1: empty file: "},
		{"[]", "topology.json:1:1: not a JSON object: "},
		{"\n  7", "topology.json:2:3: not a JSON object: "},
		{`{"name":"x",` + "\n  oops}", "topology.json:2:3: not JSON (invalid character 'o'"},
		{`{"name": xyz}`, "topology.json:1:10: not JSON (invalid character 'x'"},
		{`{"name":"x" "y"}`, "topology.json:1:13: not JSON ("},
		{`{"name":"x"`, "topology.json:1:12: not JSON (ends in the middle): "},
		{`{"name":`, "topology.json:1:9: not JSON (ends in the middle): "},
		{goodSettings + "\n {}", "topology.json:2:2: something follows the object: remove it"},
		{set(`"name":"x",`, ``), "topology.json:1:1: name is missing: add it"},
		{set(`,"same_location_rtt_ms":1`, ``), "topology.json:1:1: same_location_rtt_ms is missing: add it"},
		{set(`"name":"x",`, "\n \"naem\":\"x\","), `topology.json:2:2: unknown member "naem": it is one of name, hosts`},
		{set(`"name"`, "\n \"name\":\"y\",\n \"name\""), "topology.json:3:2: name is there twice: remove one"},
		{set(`"x"`, "\n7"), "topology.json:2:1: name is number: write a string"},
		{set(`"x"`, `""`), "topology.json:1:9: name is empty: "},
		{set(`"x"`, `"`+strings.Repeat("x", MaxText+1)+`"`), `topology.json:1:9: name: "xxxxxxxxxxxxxxxxxxxx"… is 256 bytes long, more than 255: `},
		{set(`"x"`, `"a\tb"`), `topology.json:1:9: name: "a\tb" has a character that is not text: `},
		{set(`"hosts.csv"`, `"../hosts.csv"`), `topology.json:1:21: hosts: "../hosts.csv" is not a file in the directory`},
		{set(`"rtt_ms.csv"`, `"/etc/passwd"`), `topology.json:1:42: rtt_ms: "/etc/passwd" is not a file in the directory`},
		{set(`"hosts.csv"`, `"."`), `topology.json:1:21: hosts: "." is not a file in the directory`},
		{set("0.2", "-0.2"), "topology.json:1:77: same_cluster_rtt_ms is not a number of milliseconds from 0 to 60000: "},
		{set("0.2", "null"), "topology.json:1:77: same_cluster_rtt_ms is not a number of milliseconds"},
		{set("0.2", `"0.2"`), "topology.json:1:77: same_cluster_rtt_ms is string: write a number of milliseconds"},
		{set("0.2", "60001"), "topology.json:1:77: same_cluster_rtt_ms is not a number of milliseconds"},
		{set(`"name"`, `"locations":7,"name"`), "topology.json:1:14: locations is number: write an array of strings"},
		{set(`"name"`, `"locations":["a","a"],"name"`), "topology.json:1:14: locations: name 2 is empty or there twice: "},
		{set(`"name"`, `"locations":["a"],"name"`), "topology.json: 1 names of locations, but rtt_ms.csv has 2: "},
		{set(`"hosts.csv"`, `"gone.csv"`), "gone.csv: no such file: "},
		{set(`"rtt_ms.csv"`, `"gone.csv"`), "gone.csv: no such file: "},
	} {
		refused(t, small(map[string]string{"topology.json": tt.data}), defaultLimits, tt.want)
	}
}

func TestRefusedHosts(t *testing.T) {
	cell := func(old, new string) string { return strings.Replace(goodHosts, old, new, 1) }
	long := strings.Repeat("x", MaxText+1)
	for _, tt := range []struct{ data, want string }{
		{"", "hosts.csv:1: empty file: begin with the header host,location,"},
		{goodHeader, "hosts.csv:1: no hosts: "},
		{cell("host,", "hosts,"), `hosts.csv:1:1: unknown column "hosts": the columns are host,location,`},
		{cell("down_mbps", "down_mbps,asn"), `hosts.csv:1:67: unknown column "asn": `},
		{cell(",location", ""), "hosts.csv:1:1: column location is missing: "},
		{cell("location", "host"), "hosts.csv:1:6: column host is there twice: remove one"},
		{goodHosts + "c,0,c\n", "hosts.csv:4:1: 3 fields, but 10 columns: "},
		{goodHosts + "c,0,\"c", "hosts.csv:4:7: not CSV (extraneous or missing \" in quoted-field): "},
		{cell("b,1", ",1"), "hosts.csv:3:1: no name: "},
		{cell("b,1", "a,1"), `hosts.csv:3:1: host "a" is there already, in line 2: `},
		{cell("b,1", long+",1"), `hosts.csv:3:1: "xxxxxxxxxxxxxxxxxxxx"… is 256 bytes long, more than 255: `},
		{cell("b,1,c", "b,1,\xff"), `hosts.csv:3:5: "\xff" has a character that is not text: `},
		{cell("b,1", "b,2"), `hosts.csv:3:3: "2" is not a location: the matrix has the locations 0 to 1`},
		{cell("b,1", "b,-1"), `hosts.csv:3:3: "-1" is not a location: `},
		{cell("b,1", "b,"), `hosts.csv:3:3: "" is not a location: `},
		{cell("b,1", "b,here"), `hosts.csv:3:3: "here" is not a location: `},
		{cell("b,1", "b,99999999999"), `hosts.csv:3:3: "99999999999" is not a location: `},
		{cell("b,1,c", "b,1,"), "hosts.csv:3:5: no cluster: "},
		{cell("193.51.0.2", "193.51.0"), `hosts.csv:3:7: "193.51.0" is not an IP address: `},
		{cell("193.51.0.2", ""), `hosts.csv:3:7: "" is not an IP address: `},
		{cell("193.51.0.2", "fe80::1%eth0"), "hosts.csv:3:7: address fe80::1%eth0 has a zone"},
		{cell("193.51.0.2", "0.0.0.0"), "hosts.csv:3:7: no host is seen by others as 0.0.0.0: "},
		{cell("193.51.0.2", "::ffff:127.0.0.1"), "hosts.csv:3:7: no host is seen by others as 127.0.0.1: "},
		{cell("193.51.0.2", "239.0.0.1"), "hosts.csv:3:7: no host is seen by others as 239.0.0.1: "},
		{cell("sw;gw,cone", "sw;;gw,cone"), "hosts.csv:3:22: hop 2 is empty: "},
		{cell("sw;gw,cone", strings.Repeat("r;", MaxHops)+"r,cone"), "hosts.csv:3:22: 17 hops, more than 16: "},
		{cell("sw;gw,cone", "sw;"+long+",cone"), `hosts.csv:3:22: "xxxxxxxxxxxxxxxxxxxx"… is 256 bytes`},
		{cell("cone", "Cone"), `hosts.csv:3:28: unknown NAT "Cone": it is none, cone, symmetric, firewall: `},
		{cell("cone", ""), `hosts.csv:3:28: unknown NAT "": `},
		{cell("cone,,10", "cone,,0"), `hosts.csv:3:34: "0" is not a bandwidth: `},
		{cell("cone,,10", "cone,,-1"), `hosts.csv:3:34: "-1" is not a bandwidth: `},
		{cell("cone,,10", "cone,,NaN"), `hosts.csv:3:34: "NaN" is not a bandwidth: `},
		{cell("cone,,10", "cone,,inf"), `hosts.csv:3:34: "inf" is not a bandwidth: `},
		{cell("cone,,10,100", "cone,,10,"), `hosts.csv:3:37: "" is not a bandwidth: `},
	} {
		refused(t, small(map[string]string{"hosts.csv": tt.data}), defaultLimits, tt.want)
	}
}

func TestRefusedMatrix(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{"", "rtt_ms.csv:1: empty file: "},
		{"\n \n", "rtt_ms.csv:2: empty file: "},
		{"0,5\n", "rtt_ms.csv:1: 1 rows, but 2 columns: the matrix must be square"},
		{"0,5\n5,0\n5,0\n", "rtt_ms.csv:3: row 3 of a matrix with 2 columns: the matrix must be square"},
		{"0,5\n5\n", "rtt_ms.csv:2: 1 columns, the rows before have 2: "},
		{"0,5\n5,0,1\n", "rtt_ms.csv:2: 3 columns, the rows before have 2: "},
		{"0,-5\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: -5: a round trip is at least 0 ms"},
		{"0, NaN\n5,0\n", "rtt_ms.csv:1:4: from location 0 to 1: NaN: "},
		{"0,Inf\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: Inf ms, more than 1m0s: write milliseconds"},
		{"0,1e999\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: 1e999 ms, more than 1m0s: "},
		{"0,60001\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: 60001 ms, more than 1m0s: "},
		{"0,\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: missing: "},
		{"0,0\n5,0\n", "rtt_ms.csv:1:3: from location 0 to 1: 0, which marks a missing measurement"},
		{"here,there\n0,5\n5,0\n", `rtt_ms.csv:1:1: from location 0 to 0: "here" is not a number: write milliseconds such as 12.5; the matrix has no header`},
		{"0,5\n5.2,0\n", "rtt_ms.csv:2:1: from location 1 to 0: 5.2 ms, but 5 ms back: both directions"},
		{"0,200\n203,0\n", "rtt_ms.csv:2:1: from location 1 to 0: 203 ms, but 200 ms back: "},
		{"0,5\n5,-1\n", "rtt_ms.csv:2:3: from location 1 to 1: -1: "},
	} {
		refused(t, small(map[string]string{"rtt_ms.csv": tt.data}), defaultLimits, tt.want)
	}
	for _, good := range []string{"0,5\n5.1,0\n", "0,200\n202,0\n", "7,5\n5,0\n", "0,60000\n60000,0"} {
		if _, err := Load(small(map[string]string{"rtt_ms.csv": good}), "."); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestBounds(t *testing.T) {
	var hosts strings.Builder
	hosts.WriteString(goodHeader)
	for i := range MaxHosts + 1 {
		fmt.Fprintf(&hosts, "h%d,0,c,193.51.0.1,,,none,,1,1\n", i)
	}
	wide := strings.Repeat("0,", MaxLocations) + "0\n"
	names := `"a0"`
	for i := range MaxLocations {
		names += fmt.Sprintf(`,"%d"`, i)
	}
	lim := limits{settings: 50, hosts: 90, matrix: 6, line: 5}
	with := func(l limits) limits { // of one file only
		for _, p := range []struct{ to, def *int64 }{{&l.settings, &defaultLimits.settings}, {&l.hosts, &defaultLimits.hosts}, {&l.matrix, &defaultLimits.matrix}} {
			if *p.to == 0 {
				*p.to = *p.def
			}
		}
		if l.line == 0 {
			l.line = defaultLimits.line
		}
		return l
	}
	for _, tt := range []struct {
		files map[string]string
		lim   limits
		want  string
	}{
		{map[string]string{"hosts.csv": hosts.String()}, limits{}, "hosts.csv:100002:1: more than 100000 hosts: "},
		{map[string]string{"rtt_ms.csv": wide}, limits{}, "rtt_ms.csv:1: 8193 columns, more than 8192: "},
		{map[string]string{"topology.json": `{"locations":[` + names + `]}`}, limits{}, "topology.json:1:14: locations: more than 8192: "},
		{nil, limits{settings: lim.settings}, "topology.json: longer than 50 bytes: "},
		{nil, limits{hosts: lim.hosts}, "hosts.csv: longer than 90 bytes: "},
		{nil, limits{matrix: lim.matrix}, "rtt_ms.csv: longer than 6 bytes: "},
		{map[string]string{"rtt_ms.csv": "0,5\n5.0000,0\n"}, limits{line: lim.line}, "rtt_ms.csv:2: the line is longer than 5 bytes: "},
	} {
		refused(t, small(tt.files), with(tt.lim), tt.want)
	}
	exact := limits{settings: int64(len(goodSettings)), hosts: int64(len(goodHosts)), matrix: int64(len(goodMatrix)), line: 64}
	if _, err := load(small(nil), ".", exact); err != nil {
		t.Errorf("files exactly as long as allowed: %v", err)
	}
}

func zip(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRefusedGzip(t *testing.T) {
	set := func(name string) string { return strings.Replace(goodSettings, name, name+".gz", 1) }
	hosts, matrix, settings := zip(t, goodHosts), zip(t, goodMatrix), zip(t, goodSettings)
	spoilt := []byte(hosts)
	spoilt[len(spoilt)-5] ^= 1 // of the checksum
	bomb := zip(t, goodHosts+strings.Repeat("\n", 1<<20))
	for _, tt := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"topology.json": set("hosts.csv"), "hosts.csv.gz": goodHosts}, "hosts.csv.gz: not valid gzip (gzip: invalid header): "},
		{map[string]string{"topology.json": set("hosts.csv"), "hosts.csv.gz": ""}, "hosts.csv.gz: not valid gzip (EOF): "},
		{map[string]string{"topology.json": set("hosts.csv"), "hosts.csv.gz": hosts[:len(hosts)-12]}, "hosts.csv.gz: not valid gzip (unexpected EOF): "},
		{map[string]string{"topology.json": set("hosts.csv"), "hosts.csv.gz": string(spoilt)}, "hosts.csv.gz: not valid gzip (gzip: invalid checksum): "},
		{map[string]string{"topology.json": set("rtt_ms.csv"), "rtt_ms.csv.gz": matrix[:len(matrix)-9]}, "rtt_ms.csv.gz: not valid gzip (unexpected EOF): "},
		{map[string]string{"topology.json": "-", "topology.json.gz": settings[:20]}, "topology.json.gz: not valid gzip ("},
		{map[string]string{"topology.json": set("hosts.csv"), "hosts.csv.gz": bomb}, "hosts.csv.gz: longer than 1000000 bytes: "},
	} {
		lim := defaultLimits
		lim.hosts = 1e6
		refused(t, small(tt.files), lim, tt.want)
	}
}

func TestMissingFilesAreNotExist(t *testing.T) {
	for _, name := range []string{"topology.json", "hosts.csv", "rtt_ms.csv"} {
		if _, err := Load(small(map[string]string{name: "-"}), "."); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// closed is a file system that nobody may read.
type closed struct{}

func (closed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestRefusedByTheFileSystem(t *testing.T) {
	refused(t, closed{}, defaultLimits, "topology.json: cannot be opened (open topology.json: permission denied): ")
	fsys := small(nil)
	fsys["hosts.csv"] = &fstest.MapFile{Mode: fs.ModeDir}
	refused(t, fsys, defaultLimits, "hosts.csv: cannot be read (")
}
