package lab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// MaxFile bounds a description in bytes.
const MaxFile = 1 << 20

// Load reads a description from a file; see [Parse].
func Load(name string) (Network, error) {
	f, err := os.Open(name)
	if err != nil {
		return Network{}, err
	}
	defer f.Close()
	n, err := Parse(f)
	if err != nil {
		return Network{}, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// Parse reads a description, a statement a line; what follows # is a comment:
//
//	seed N
//	site NAME KIND [hosts=A,B] [ip=4|6|46] [path=R,*,R] [resolver=gateway|stub|none|R]
//	     [access=2ms] [multicast=flood|snoop|block] [expiry=30s]
//	     [portmap=yes|no] [rate=10M]
//	link default [delay=20ms] [loss=1%] [hops=R,*]
//	link SITE SITE [delay=..] [loss=..] [hops=..]
//
// each on one line. KIND and what the settings mean is at [Kind], [Site] and [Link].
// A host that two sites list has an interface at both. It is strict: what it does not know is an error that names
// the line.
func Parse(r io.Reader) (Network, error) {
	var p parser
	lines := bufio.NewScanner(io.LimitReader(r, MaxFile+1))
	lines.Buffer(nil, MaxFile)
	read := 0
	for number := 1; lines.Scan(); number++ {
		if read += len(lines.Bytes()) + 1; read > MaxFile {
			return Network{}, fmt.Errorf("lab: more than %d bytes", MaxFile)
		}
		text, _, _ := strings.Cut(lines.Text(), "#")
		if err := p.line(strings.Fields(text)); err != nil {
			return Network{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Network{}, fmt.Errorf("lab: %w", err)
	}
	if err := p.network.check(); err != nil {
		return Network{}, err
	}
	return p.network, nil
}

type parser struct {
	network Network
	seen    map[string]bool // statements that may come once
}

func (p *parser) line(words []string) error {
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "seed" && len(words) == 2:
		seed, err := strconv.ParseUint(words[1], 10, 64)
		if err != nil {
			return fmt.Errorf("lab: the seed %q is not a number", words[1])
		}
		p.network.Seed = seed
		return p.once("seed")
	case words[0] == "site" && len(words) >= 3:
		s := Site{Name: words[1], Kind: Kind(words[2])}
		if err := settings(words[3:], s.set); err != nil {
			return err
		}
		p.network.Sites = append(p.network.Sites, s)
		return nil
	case words[0] == "link" && len(words) >= 2 && words[1] == "default":
		if err := settings(words[2:], p.network.Default.set); err != nil {
			return err
		}
		return p.once("link default")
	case words[0] == "link" && len(words) >= 3:
		l := Link{A: words[1], B: words[2]}
		if err := settings(words[3:], l.set); err != nil {
			return err
		}
		p.network.Links = append(p.network.Links, l)
		return nil
	}
	return fmt.Errorf("lab: not a statement: %q", strings.Join(words, " "))
}

func (p *parser) once(what string) error {
	if p.seen[what] {
		return fmt.Errorf("lab: a second %q", what)
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[what] = true
	return nil
}

// settings gives each key=value to set. No key may come twice.
func settings(words []string, set func(key, value string) error) error {
	seen := make(map[string]bool)
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok || value == "" || seen[key] {
			return fmt.Errorf("lab: %q is not one key=value, the key once", w)
		}
		seen[key] = true
		if err := set(key, value); err != nil {
			return fmt.Errorf("lab: %s: %w", w, err)
		}
	}
	return nil
}

func (s *Site) set(key, value string) (err error) {
	switch key {
	case "hosts":
		s.Hosts = strings.Split(value, ",")
	case "ip":
		s.IP = Family(value)
	case "path":
		s.Path = strings.Split(value, ",")
	case "resolver":
		s.Resolver = value
	case "access":
		s.Access, err = time.ParseDuration(value)
	case "multicast":
		s.Multicast = Multicast(value)
	case "rate":
		s.Rate, err = parseRate(value)
	case "expiry":
		s.Expiry, err = time.ParseDuration(value)
	case "portmap":
		if s.PortMap = value == "yes"; !s.PortMap && value != "no" {
			err = fmt.Errorf("it is yes or no")
		}
	default:
		err = fmt.Errorf("a site has no such setting")
	}
	return err
}

func (l *Link) set(key, value string) (err error) {
	switch key {
	case "delay":
		l.Delay, err = time.ParseDuration(value)
	case "loss":
		l.Loss, err = parseShare(value)
	case "hops":
		l.Hops = strings.Split(value, ",")
	default:
		err = fmt.Errorf("a link has no such setting")
	}
	return err
}

// parseRate reads "64k", "10M", "1G" or a number of bit/s.
func parseRate(s string) (int, error) {
	unit := 1
	for suffix, n := range map[string]int{"k": 1e3, "M": 1e6, "G": 1e9} {
		if digits, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = digits, n
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return int(v * float64(unit)), err
}

// parseShare reads "2%" or "0.02".
func parseShare(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if percent {
		v /= 100
	}
	return v, err
}
