package detect

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// addrs reads addresses separated by spaces.
func addrs(text string) (list []netip.Addr) {
	for _, s := range strings.Fields(text) {
		list = append(list, netip.MustParseAddr(s))
	}
	return list
}

func TestParseResolvConf(t *testing.T) {
	for _, tt := range []struct{ name, conf, want string }{
		{"empty", "", ""},
		{"usual", "# by hand\nsearch lan\nnameserver 192.168.1.1\nnameserver\t2001:db8::1  # second\n", "192.168.1.1 2001:db8::1"},
		{"zone", "nameserver fe80::1%eth0", "fe80::1%eth0"},
		{"twice", "nameserver 9.9.9.9\nnameserver 9.9.9.9\n", "9.9.9.9"},
		{"a fourth does not count", "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n", "1.0.0.1 1.0.0.2 1.0.0.3"},
		{"nonsense", "nameserver\nnameserver example.org\nnameservers 1.1.1.1\n;nameserver 1.1.1.1\n nameserver 1.1.1.1\nnameserver 224.0.0.251\noptions nameserver 1.1.1.1", ""},
		{"this host", "nameserver 0.0.0.0\n", "127.0.0.1"},
		{"mapped", "nameserver ::ffff:10.0.0.1\n", "10.0.0.1"},
		{"windows ends", "nameserver 10.0.0.1\r\n", "10.0.0.1"},
		{"too long", strings.Repeat("#\n", maxConf/2) + "nameserver 10.0.0.1\n", ""},
		{"a line without end", strings.Repeat("x", maxConf), ""},
	} {
		if got := parseResolvConf([]byte(tt.conf)); !slices.Equal(got, addrs(tt.want)) {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFindResolvers(t *testing.T) {
	const stub = "nameserver 127.0.0.53\noptions edns0\n"
	for _, tt := range []struct {
		name           string
		conf, resolved string // "" for no file
		want, from     string
		why            bool
	}{
		{"plain", "nameserver 10.0.0.1\n", "nameserver 10.9.9.9\n", "10.0.0.1", resolvConf, false},
		{"stub", stub, "nameserver 10.9.9.9\n", "10.9.9.9", resolvedConf, false},
		{"stub without more", stub, "", "127.0.0.53", resolvConf, true},
		{"stub before a stub", stub, stub, "127.0.0.53", resolvConf, true},
		{"none named", "search lan\n", "", "127.0.0.1", resolvConf, true},
		{"no file", "", "nameserver 10.9.9.9\n", "", resolvConf, true},
		{"a stub and more", stub + "nameserver 10.0.0.1\n", "", "127.0.0.53 10.0.0.1", resolvConf, false},
	} {
		r := findResolvers(func(name string) ([]byte, error) {
			switch text := map[string]string{resolvConf: tt.conf, resolvedConf: tt.resolved}[name]; text {
			case "":
				return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("no such file")}
			default:
				return []byte(text), nil
			}
		})
		if !slices.Equal(r.list, addrs(tt.want)) || r.from != tt.from || (r.why != "") != tt.why {
			t.Errorf("%s: %+v, want %s from %s, a reason: %v", tt.name, r, tt.want, tt.from, tt.why)
		}
	}
}

func FuzzParseResolvConf(f *testing.F) {
	f.Add([]byte("nameserver 127.0.0.53\n"))
	f.Add([]byte("nameserver fe80::1%eth0\nnameserver 1.1.1.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := parseResolvConf(b)
		if len(list) > maxResolvers {
			t.Fatalf("%d resolvers", len(list))
		}
		for _, a := range list {
			if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
				t.Fatalf("resolver %v", a)
			}
		}
	})
}
