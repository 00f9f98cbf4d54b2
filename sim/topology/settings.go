package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"time"
)

// settings is topology.json.
type settings struct {
	file                      string // what it was read from
	name, hosts, rtt          string
	sameCluster, sameLocation float64
	locations                 []string
}

// settingsNames are the members of topology.json; the last may be missing.
var settingsNames = []string{"name", "hosts", "rtt_ms", "same_cluster_rtt_ms", "same_location_rtt_ms", "locations"}

// loadSettings reads topology.json or topology.json.gz.
func loadSettings(fsys fs.FS, dir string, limit int64) (settings, error) {
	name := path.Join(dir, "topology.json")
	data, err := readAll(fsys, name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = readAll(fsys, name+".gz", limit)
		if errors.Is(err, fs.ErrNotExist) {
			return settings{}, &FormatError{File: name, Problem: "no such file, nor " + path.Base(name) + ".gz", Err: fs.ErrNotExist,
				Advice: "name a directory that has one"}
		}
		name += ".gz"
	}
	if err != nil {
		return settings{}, err
	}
	return parseSettings(name, data)
}

// settingsParser walks through the object, so that each error has a place.
type settingsParser struct {
	settings
	data []byte
	dec  *json.Decoder
	seen []string
}

func parseSettings(name string, data []byte) (settings, error) {
	p := &settingsParser{settings: settings{file: name}, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	if len(bytes.TrimSpace(data)) == 0 {
		return settings{}, p.fail(0, "empty file", "write a JSON object with "+strings.Join(settingsNames[:5], ", "))
	}
	start := p.next()
	if tok, err := p.dec.Token(); err != nil {
		return settings{}, p.syntax(start, err)
	} else if tok != json.Delim('{') {
		return settings{}, p.fail(start, "not a JSON object", "write { … }")
	}
	for p.dec.More() {
		if err := p.member(); err != nil {
			return settings{}, err
		}
	}
	start = p.next()
	if _, err := p.dec.Token(); err != nil { // the closing brace
		return settings{}, p.syntax(start, err)
	}
	start = p.next()
	if _, err := p.dec.Token(); err != io.EOF {
		return settings{}, p.fail(start, "something follows the object", "remove it")
	}
	for _, want := range settingsNames[:5] {
		if !slices.Contains(p.seen, want) {
			return settings{}, p.fail(0, want+" is missing", "add it")
		}
	}
	return p.settings, nil
}

// member reads one name and its value.
func (p *settingsParser) member() error {
	at := p.next()
	tok, err := p.dec.Token()
	if err != nil {
		return p.syntax(at, err)
	}
	key, ok := tok.(string)
	if !ok || !slices.Contains(settingsNames, key) {
		return p.fail(at, fmt.Sprintf("unknown member %q", fmt.Sprint(tok)), "it is one of "+strings.Join(settingsNames, ", "))
	}
	if slices.Contains(p.seen, key) {
		return p.fail(at, key+" is there twice", "remove one")
	}
	p.seen = append(p.seen, key)
	at = p.next()
	switch key {
	case "name":
		return p.text(at, key, &p.name)
	case "hosts":
		return p.fileName(at, key, &p.hosts)
	case "rtt_ms":
		return p.fileName(at, key, &p.rtt)
	case "same_cluster_rtt_ms":
		return p.milliseconds(at, key, &p.sameCluster)
	case "same_location_rtt_ms":
		return p.milliseconds(at, key, &p.sameLocation)
	default:
		return p.names(at, key)
	}
}

// text reads a string that is not empty.
func (p *settingsParser) text(at int, key string, to *string) error {
	if err := p.value(at, key, "a string", to); err != nil {
		return err
	}
	if *to == "" {
		return p.fail(at, key+" is empty", "write a name")
	}
	if problem := textProblem(*to); problem != "" {
		return p.fail(at, key+": "+problem, "write another name")
	}
	return nil
}

// fileName reads the name of another file, which may not be outside the directory.
func (p *settingsParser) fileName(at int, key string, to *string) error {
	if err := p.text(at, key, to); err != nil {
		return err
	}
	if !fs.ValidPath(*to) || *to == "." {
		return p.fail(at, fmt.Sprintf("%s: %q is not a file in the directory of the topology", key, *to), "put the file beside topology.json and write its name alone")
	}
	return nil
}

func (p *settingsParser) milliseconds(at int, key string, to *float64) error {
	var v *float64
	if err := p.value(at, key, "a number of milliseconds", &v); err != nil {
		return err
	}
	if v == nil || !(*v >= 0 && *v <= maxMilliseconds) || math.Signbit(*v) {
		return p.fail(at, key+" is not a number of milliseconds from 0 to "+fmt.Sprint(maxMilliseconds), "write a round trip")
	}
	*to = *v
	return nil
}

// names reads the names of the locations.
func (p *settingsParser) names(at int, key string) error {
	if err := p.value(at, key, "an array of strings", &p.locations); err != nil {
		return err
	}
	for i, name := range p.locations {
		if name == "" || slices.Contains(p.locations[:i], name) {
			return p.fail(at, fmt.Sprintf("%s: name %d is empty or there twice", key, i+1), "each location has a name of its own")
		}
		if i >= MaxLocations {
			return p.fail(at, fmt.Sprintf("%s: more than %d", key, MaxLocations), "merge some")
		}
	}
	return nil
}

// value reads the next value.
func (p *settingsParser) value(at int, key, what string, to any) error {
	err := p.dec.Decode(to)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return p.fail(at, fmt.Sprintf("%s is %s", key, wrongType.Value), "write "+what)
	}
	if err != nil {
		return p.syntax(at, err)
	}
	return nil
}

// next is the offset of the next token.
func (p *settingsParser) next() int {
	at := int(p.dec.InputOffset())
	for at < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[at]) >= 0 {
		at++
	}
	return at
}

// syntax is the error for a token or value at an offset that is not JSON.
func (p *settingsParser) syntax(at int, err error) error {
	problem := err.Error()
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		at, problem = len(p.data), "ends in the middle"
	}
	e := p.fail(at, "not JSON ("+problem+")", "correct it").(*FormatError)
	e.Err = err
	return e
}

func (p *settingsParser) fail(at int, problem, advice string) error {
	line, column := position(p.data, at)
	return &FormatError{File: p.file, Line: line, Column: column, Problem: problem, Advice: advice}
}

// maxMilliseconds is MaxRTT.
const maxMilliseconds = float64(MaxRTT / time.Millisecond)
