package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/internal/control"
)

// variable is what differs from run to run, and what stands for it in tests.
var variable = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`[0-9a-f]{64}`), "ID64"},
	{regexp.MustCompile(`12D3KooWFake[0-9a-f]{16}`), "PEER"},
	{regexp.MustCompile(`…[0-9a-f]{8}`), "…PEER"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`), "RFC3339"},
	{regexp.MustCompile(`quilt1[a-z2-7]+`), "TICKET"},
}

// plain replaces what differs from run to run.
func plain(b *bench, s string) string {
	s = strings.ReplaceAll(s, b.home, "HOME")
	for _, v := range variable {
		s = v.re.ReplaceAllString(s, v.by)
	}
	return s
}

// step is one command and how it must end.
type step struct {
	stdin, args    string // args are split at spaces, "_" stands for one
	code           int
	stdout, stderr string
}

// play runs commands in order.
func play(t *testing.T, b *bench, steps []step) {
	t.Helper()
	for _, s := range steps {
		args := strings.Fields(s.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		got := b.runIn(s.stdin, args...)
		want := result{s.code, s.stdout, s.stderr}
		got.stdout, got.stderr = plain(b, got.stdout), plain(b, got.stderr)
		if got != want {
			t.Errorf("quilt-peer %s\nended with %d, printed\n%s%s\nwant %d and\n%s%s", s.args, got.code, got.stdout, got.stderr,
				want.code, want.stdout, want.stderr)
		}
	}
}

func TestPublishAndRead(t *testing.T) {
	b := newBench(t)
	b.up()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte("<p>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, b, []step{
		{args: "feed new alice", stdout: "feed alice is made\n\n  address  /quilt/feed/PEERalice\n\n" +
			"Publish to it:    quilt-peer pub alice \"Hello.\"\nInvite a reader:  quilt-peer ticket --feed alice\n"},
		{args: "pub alice Hello_world", stdout: "alice #1 ID64\n"},
		{args: "pub alice -", stdin: "two\nlines\n", stdout: "alice #2 ID64\n"},
		{args: "pub alice --lines", stdin: "a\n\nb", stdout: "alice #3 ID64\nalice #4 ID64\nalice #5 ID64\n"},
		{args: "pub alice --json --file " + file,
			stdout: `{"topic":"alice","topic_name":"/quilt/feed/PEERalice","seq":6,"id":"ID64","stored_by":0}` + "\n"},
		{args: "pub alice -", stdin: "\xff\x00", stdout: "alice #7 ID64\n"},
		{args: "pub alice --once twice again", stdout: "alice #8 ID64 (published before)\n"},
		{args: "pub alice -- --json", stdout: "alice #9 ID64\n"},
		{args: "pub alice -5_degrees", stdout: "alice #10 ID64\n"},
		{args: "pub alice gap!", stdout: "alice #11 \n"},
		{args: "pub alice after", stdout: "alice #12 ID64\n"},
		{args: "pub #chat \x1b[2Jred", stdout: "chat #1 ID64\n"},
		{args: "pub help me", stdout: "help #1 ID64\n"},
		{args: "sub alice --count 10", stdout: "alice #1  TIME  Hello world\n" +
			"alice #2  TIME\n    two\n    lines\nalice #3  TIME  a\nalice #4  TIME  \nalice #5  TIME  b\n" +
			"alice #6  TIME  <p>\nalice #7  TIME  [2 bytes of application/octet-stream; --raw prints them]\n" +
			"alice #8  TIME  again\nalice #9  TIME  --json\nalice #10  TIME  -5 degrees\n"},
		{args: "sub alice --since 11 -n 1", stdout: "alice #12  TIME  after\n",
			stderr: "alice  1 entry is missing from …PEER (#11); reading on\n"},
		{args: "sub alice --since 6 -n 1 --raw", stdout: "<p>\n"},
		{args: "sub alice --since 9 -n 2 --raw", stdout: "--json\n-5 degrees\n"},
		{args: "sub alice --since 7 -n 1 --raw", stdout: "\xff\x00"},
		{args: "sub alice --since 7 -n 1 --json", stdout: `{"type":"entry","topic":"alice","topic_name":"/quilt/feed/PEERalice",` +
			`"author":"PEER","seq":7,"id":"ID64","time":"RFC3339","content_type":"application/octet-stream","payload_base64":"/wA="}` + "\n"},
		{args: "sub chat -n 1", stdout: "chat  TIME  …PEER  \uFFFD[2Jred\n"},
		{args: "sub alice --since now -n 1 --timeout 50ms", code: 4,
			stderr: "quilt-peer: 0 of 1 entry came within 50ms: wait longer, or see \"quilt-peer status\"\n"},
		{args: "pub alice x --wait 1 --timeout 50ms", code: 4, stdout: "alice #13 ID64 stored by 0 others\n",
			stderr: "quilt-peer: only 0 of 1 peer stored it within 50ms: the entry is safe here and travels on when others are found; " +
				"see \"quilt-peer peers\"\n"},
	})
}

func TestFeeds(t *testing.T) {
	b := newBench(t)
	b.up()
	other := newBench(t)
	other.up()
	other.run("feed", "new", "bob")
	ticket := strings.TrimSpace(other.run("ticket", "--feed", "bob").stdout)
	play(t, b, []step{
		{args: "feed list", stdout: "no feeds yet: \"quilt-peer feed new NAME\" makes one, \"quilt-peer feed follow ADDRESS\" follows one\n"},
		{args: "feed new alice --json", stdout: `{"name":"alice","address":"/quilt/feed/PEERalice","own":true,"entries":0,"missing":0,"neighbours":0}` + "\n"},
		{args: "feed new alice", code: 1, stderr: "quilt-peer: there is a feed alice already: choose another name\n"},
		{args: "feed follow --name friend " + ticket, stdout: "following friend\n\n  address  /quilt/feed/PEERbob\n\nRead it:  quilt-peer sub friend\n"},
		{args: "feed list", stdout: "NAME    KIND      ENTRIES  LAST  MISSING  PEERS  ADDRESS\n" +
			"alice   own       0        #0    0        0      /quilt/feed/PEERalice\n" +
			"friend  followed  0        #0    0        0      /quilt/feed/PEERbob\n"},
		{args: "pub friend x", code: 6, stderr: "quilt-peer: friend is somebody else's feed: publish to one of yours\n"},
		{args: "feed unfollow friend"},
		{args: "feed unfollow friend", code: 1, stderr: "quilt-peer: there is no feed friend: see \"quilt-peer feed list\"\n"},
		{args: "feed follow rubbish", code: 6, stderr: "quilt-peer: this is no ticket: ask for it again\n"},
		{args: "ticket add rubbish", code: 6, stderr: "quilt-peer: this is no ticket: ask for it again\n"},
		{args: "ticket add " + ticket[:20] + " " + ticket[20:]},
		{args: "ticket --feed nobody", code: 1, stderr: "quilt-peer: there is no feed nobody: see \"quilt-peer feed list\"\n"},
		{args: "ticket --json", stdout: `{"ticket":"TICKET"}` + "\n"},
	})
	// The other's entries stay where they are kept: waiting for one other ends.
	play(t, b, []step{{args: "feed follow " + ticket + " --name friend --json",
		stdout: `{"name":"friend","address":"/quilt/feed/PEERbob","own":false,"entries":0,"missing":0,"neighbours":0}` + "\n"}})
	play(t, other, []step{{args: "pub bob hi --wait 1", stdout: "bob #1 ID64 stored by 1 other\n"}})
	play(t, b, []step{{args: "sub friend -n 1", stdout: "friend #1  TIME  hi\n"}})
}

func TestMirrorCommand(t *testing.T) {
	b := newBench(t)
	b.up()
	site, err := newNewsSite()
	if err != nil {
		t.Fatal(err)
	}
	defer site.close()
	site.write(2)
	file := filepath.Join(t.TempDir(), "f.xml")
	doc := `<rss version="2.0"><channel><item><title>On &lt;b&gt; disk</title><link>http://x/1</link></item></channel></rss>`
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	url := site.url()
	play(t, b, []step{
		{args: "feed mirror", stdout: "nothing is mirrored: \"quilt-peer feed mirror URL --to NAME\" begins\n"},
		{args: "feed mirror " + url + " --to news --interval 1s", stdout: "2 entries from " + url + " published in news\n" +
			"looking again every 1s; \"quilt-peer feed mirror --stop news\" ends it\n\n  address  /quilt/feed/PEERnews\n"},
		{args: "sub news -n 1", stdout: "news #1  TIME  Harbour bridge open again <" + site.base + "/1>\n"},
		{args: "feed mirror", stdout: "MIRROR  EVERY  PUBLISHED  LOOKED  SOURCE  LAST ERROR\nnews    0s     0          never   x       404 \uFFFD\n"},
		{args: "feed mirror --stop news"},
		{args: "feed mirror --stop news", code: 1, stderr: "quilt-peer: nothing is mirrored into news: see \"quilt-peer feed mirror\"\n"},
		{args: "feed mirror --once --to disk " + file, stdout: "1 entry from " + file + " published in disk\n\n  address  /quilt/feed/PEERdisk\n"},
		{args: "sub disk -n 1", stdout: "disk #1  TIME  On <b> disk <http://x/1>\n"},
		{args: "feed mirror " + url, code: 2, stderr: "quilt-peer: it is not said into which feed: add --to NAME\n"},
		{args: "feed mirror --to news", code: 2, stderr: "quilt-peer: feed mirror needs [URL|FILE]: see \"quilt-peer feed mirror --help\"\n"},
		{args: "feed mirror /none.xml --to news", code: 6,
			stderr: "quilt-peer: stat /none.xml: no such file or directory: give a file that exists, or a URL with http:// or https://\n"},
		{args: "feed mirror " + url + " --to news --interval 1ms", code: 2, stderr: "quilt-peer: an interval of 1ms is too short: give at least 1s\n"},
	})
}

func TestEUID(t *testing.T) {
	b := newBench(t)
	end := b.up()
	play(t, b, []step{
		{args: "euid", stdout: `role  leaf: nobody can call it unasked

lan0

  DETECTED               BY                WHEN
  resolver  192.168.1.1  /etc/resolv.conf  -
  hops      -            UDP               -  a router says ` + "\uFFFD" + `[31mno

  PUBLISHED
  mapping  independent

  HIDDEN
  router  192.168.1.1

not looked at: lo: loopback
note: a note
`},
		{args: "euid now", code: 2, stderr: "quilt-peer: euid takes no argument, got \"now\": see \"quilt-peer euid --help\"\n"},
	})
	var e control.EnvironmentInfo
	if err := json.Unmarshal([]byte(b.run("euid", "--json").stdout), &e); err != nil || len(e.NICs) != 1 || e.NICs[0].Detected[1].Why == "" {
		t.Errorf("euid --json: %+v, %v", e, err)
	}
	end()
}

func TestStatusAndPeers(t *testing.T) {
	b := newBench(t)
	end := b.up("--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
	b.run("feed", "new", "alice")
	got := b.run("status")
	pid := regexp.MustCompile(`process \d+`)
	want := "quilt-peer " + version() + `, up 2m5s

  id       PEER
  home     HOME (PROCESS)
  listens  /ip4/127.0.0.1/tcp/0
           /ip4/127.0.0.1/udp/0/quic-v1
  links    3 (2 out, 1 in); 1 peer known
  traffic  0 B in, 0 B out, 0 frames dropped
  role     leaf: nobody can call it unasked
  relays   by 12D3KooWRelay
  punches  3 tried, 2 succeeded, 1 failed; 1 time the called side got through by itself
  relayed  2.0 KiB sent through relays, 0 B of it entries
  store    12 entries in 3.0 MiB of 1.0 GiB

TOPIC  KIND  ENTRIES  MISSING  SIZE  PEERS  READERS  COPIES  DUP  REPAIRED
alice  own   0        0        0 B   0      0        0       0    0

refused
  3        bad signature
`
	if out := pid.ReplaceAllString(plain(b, got.stdout), "PROCESS"); got.code != 0 || out != want {
		t.Errorf("status printed\n%swant\n%s", out, want)
	}
	var s control.StatusInfo
	if err := json.Unmarshal([]byte(b.run("status", "--json").stdout), &s); err != nil || s.PID != os.Getpid() || s.Store.Items != 12 {
		t.Errorf("status --json: %+v, %v", s, err)
	}
	if out := b.run("peers").stdout; !strings.Contains(out, "12D3KooWOther  in tcp  1.2 ms") || !strings.Contains(out, "alice,hello  /ip4/10.0.0.2/tcp/4001\n") {
		t.Errorf("peers printed\n%s", out)
	}
	end()
	b.up("--no-mdns")
	play(t, b, []step{
		{args: "peers --json"},
		{args: "peers", stdout: "no peers: pass \"quilt-peer ticket\" to others, or add a ticket of theirs with \"quilt-peer ticket add TICKET\"\n"},
		{args: "feed list", stdout: "NAME   KIND  ENTRIES  LAST  MISSING  PEERS  ADDRESS\nalice  own   0        #0    0        0      /quilt/feed/PEERalice\n"},
	})
}

// The ticket is followed by a QR code where it can be seen, and fits.
func TestTicketQR(t *testing.T) {
	b := newBench(t)
	b.up()
	for _, tt := range []struct {
		args  string
		width int
		want  bool
	}{
		{"ticket", 0, false}, {"ticket", 120, true}, {"ticket", 20, false}, {"ticket --qr", 20, true},
		{"ticket --qr", 0, true}, {"ticket --no-qr", 120, false}, {"ticket --qr --json", 0, false},
	} {
		b.width = tt.width
		got := b.run(strings.Fields(tt.args)...)
		if has := strings.Contains(got.stdout, "▀"); got.code != 0 || has != tt.want {
			t.Errorf("%s at width %d: QR code %v, want %v\n%+v", tt.args, tt.width, has, tt.want, got)
		}
	}
}

// What makes no sense ends with exit code 2 and says what to do; nothing is
// asked of a daemon: none runs here.
func TestUsageErrors(t *testing.T) {
	b := newBench(t)
	play(t, b, []step{
		{args: "run --relay-kib 1", code: 2, stderr: "quilt-peer: relay limits {Places:64 PlacesPerAddr:8 Circuits:8 Bytes:1024 Time:2m0s}: want none negative, at least 32 KiB and 15s: less would not carry a hole punch: to relay nothing: --no-relay\n"},
		{args: "statsu", code: 2, stderr: "quilt-peer: there is no command \"quilt-peer statsu\": did you mean \"status\"? See \"quilt-peer --help\"\n"},
		{args: "feed xyzzy", code: 2, stderr: "quilt-peer: there is no command \"quilt-peer feed xyzzy\": see \"quilt-peer feed --help\"\n"},
		{args: "help xyzzy", code: 2, stderr: "quilt-peer: No help topic for 'xyzzy': see \"quilt-peer --help\"\n"},
		{args: "status now", code: 2, stderr: "quilt-peer: status takes no argument, got \"now\": see \"quilt-peer status --help\"\n"},
		{args: "pub", code: 2, stderr: "quilt-peer: pub needs TOPIC [TEXT | -]: see \"quilt-peer pub --help\"\n"},
		{args: "pub a b c", code: 2, stderr: "quilt-peer: pub takes only TOPIC [TEXT | -], got \"c\" too: put a text of several words in quotes\n"},
		{args: "pub a", code: 2, stderr: "quilt-peer: there is nothing to publish: give a TEXT, --file FILE, or - for standard input\n"},
		{args: "pub a b --file c", code: 2, stderr: "quilt-peer: there is both a text and --file: publish one at a time\n"},
		{args: "pub a b --lines", code: 2, stderr: "quilt-peer: --lines reads standard input, but there is something else to publish too: publish one at a time\n"},
		{args: "pub a --lines --once k", code: 2, stderr: "quilt-peer: --once is for one entry, --lines for many: leave one of them out\n"},
		{args: "pub a b --timeout 1s", code: 2, stderr: "quilt-peer: --timeout is how long to wait for others, but none are waited for: add --wait N, or leave it out\n"},
		{args: "pub a b --wait 2000", code: 2, stderr: "quilt-peer: cannot wait for 2000 peers, only for 0 to 1000\n"},
		{args: "pub a b --wait many", code: 2, stderr: "quilt-peer: invalid value \"many\" for flag -wait: see \"quilt-peer pub --help\"; a text that begins with a dash goes after --\n"},
		{args: "pub a b --colour", code: 2, stderr: "quilt-peer: there is no flag -colour: see \"quilt-peer pub --help\"; a text that begins with a dash goes after --\n"},
		{args: "pub a --file /none", code: 6, stderr: "quilt-peer: open /none: no such file or directory: give a file that can be read\n"},
		{args: "sub a --since tomorrow", code: 2, stderr: "quilt-peer: \"tomorrow\" is no place to begin: give \"all\", \"now\", a sequence number such as 17, or a duration such as 10m\n"},
		{args: "sub a --raw --json", code: 2, stderr: `{"error":"--raw and --json contradict each other","hint":"leave one of them out","code":"usage"}` + "\n"},
		{args: "ticket --qr --no-qr", code: 2, stderr: "quilt-peer: --qr and --no-qr contradict each other: leave one of them out\n"},
		{args: "feed new a/b", code: 2, stderr: "quilt-peer: \"a/b\" cannot be a feed's name: use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit\n"},
		{args: "run --port 99999", code: 2, stderr: "quilt-peer: \"99999\" is no port: ports are 1 to 65535, and 0 for any free one\n"},
		{args: "run --transports wss,udp", code: 2, stderr: "quilt-peer: there is no transport \"udp\": there are quic, tcp, wss, webtransport\n"},
		{args: "status --json", code: 3, stderr: `{"error":"no daemon is running for home HOME (socket HOME/control.sock)","hint":"start one with \"quilt-peer run\", or choose its home with --home","code":"not_running"}` + "\n"},
	})
	long := strings.Repeat("x", control.MaxPayload+1)
	if got := b.runIn(long, "pub", "a", "-"); got.code != 6 || !strings.Contains(got.stderr, "more than 1024000 bytes (1000 KiB)") {
		t.Errorf("a payload too large: %d %s", got.code, got.stderr)
	}
	if got := b.runIn(long, "pub", "a", "--lines"); got.code != 6 || !strings.Contains(got.stderr, "a line is longer") {
		t.Errorf("a line too long: %d %s", got.code, got.stderr)
	}
}

// Where the home is: flag, then $QUILT_HOME, then XDG, then the user's home.
func TestHome(t *testing.T) {
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{[]string{"--home", "/a"}, map[string]string{"QUILT_HOME": "/b"}, "home /a "},
		{nil, map[string]string{"QUILT_HOME": "/b", "XDG_DATA_HOME": "/c"}, "home /b "},
		{nil, map[string]string{"XDG_DATA_HOME": "/c", "HOME": "/d"}, "home /c/quilt "},
		{nil, map[string]string{"XDG_DATA_HOME": "c", "HOME": "/d"}, "home /d/.local/share/quilt "},
		{nil, map[string]string{"HOME": "/d"}, "home /d/.local/share/quilt "},
		{nil, nil, "$HOME is not set"},
	} {
		a, _, stderr := (&bench{t: t}).app("")
		a.getenv = func(name string) string { return tt.env[name] }
		a.main(t.Context(), append([]string{"quilt-peer", "status"}, tt.args...))
		if !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%v %v: %s, want %q", tt.args, tt.env, stderr, tt.want)
		}
	}
}
