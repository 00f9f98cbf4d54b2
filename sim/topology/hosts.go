package topology

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// columns are those of the table of hosts, in the order of the constants.
var columns = []string{"host", "location", "cluster", "addr", "dns", "routers", "nat", "ipmc", "up_mbps", "down_mbps"}

const (
	colHost = iota
	colLocation
	colCluster
	colAddr
	colDNS
	colRouters
	colNAT
	colIPMC
	colUp
	colDown
)

// hostsParser reads the table of hosts.
type hostsParser struct {
	file      string
	r         *csv.Reader
	locations int
	field     [10]int // where each of columns is in a row
	row       []string

	hosts  []Host
	lines  map[string]int // of each host, by name
	shared map[string]string
	places []place
	// clusters are numbered in the order they come.
	clusters map[string]int32
}

// loadHosts reads the table of hosts, and where they are in a matrix of a number of
// locations.
func loadHosts(fsys fs.FS, name string, locations int, limit int64) ([]Host, []place, error) {
	f, err := open(fsys, name, limit)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	p := &hostsParser{file: name, r: csv.NewReader(f), locations: locations,
		lines: make(map[string]int), shared: make(map[string]string), clusters: make(map[string]int32)}
	p.r.FieldsPerRecord = -1
	p.r.ReuseRecord = true
	if err = p.table(); err != nil {
		if broken := f.failed; broken != nil {
			err = broken // and not what it looked like from there
		}
		return nil, nil, err
	}
	return p.hosts, p.places, nil
}

func (p *hostsParser) table() error {
	err := p.read()
	if err == io.EOF {
		return &FormatError{File: p.file, Line: 1, Problem: "empty file", Advice: "begin with the header " + strings.Join(columns, ",")}
	}
	if err == nil {
		err = p.header()
	}
	for err == nil {
		if err = p.read(); err == nil {
			err = p.host()
		}
	}
	switch {
	case err != io.EOF:
		return err
	case len(p.hosts) == 0:
		return &FormatError{File: p.file, Line: 1, Problem: "no hosts", Advice: "write a row for each host below the header"}
	}
	return nil
}

// read reads a row.
func (p *hostsParser) read() (err error) {
	p.row, err = p.r.Read()
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return &FormatError{File: p.file, Line: bad.Line, Column: bad.Column, Problem: "not CSV (" + bad.Err.Error() + ")",
			Advice: "put a field that has a comma or a quote in quotes, and write a quote in it twice", Err: err}
	}
	return err
}

// header finds out which column is where.
func (p *hostsParser) header() error {
	seen := make([]bool, len(columns))
	for i, name := range p.row {
		c := slices.Index(columns, name)
		switch {
		case c < 0:
			return p.fail(i, fmt.Sprintf("unknown column %q", name), "the columns are "+strings.Join(columns, ","))
		case seen[c]:
			return p.fail(i, "column "+name+" is there twice", "remove one")
		}
		seen[c], p.field[c] = true, i
	}
	if c := slices.Index(seen, false); c >= 0 {
		return p.fail(0, "column "+columns[c]+" is missing", "the columns are "+strings.Join(columns, ","))
	}
	return nil
}

// host reads the row of one host.
func (p *hostsParser) host() error {
	if len(p.row) != len(columns) {
		return p.fail(0, fmt.Sprintf("%d fields, but %d columns", len(p.row), len(columns)), "a comma between any two fields, also empty ones")
	}
	if len(p.hosts) == MaxHosts {
		return p.fail(0, fmt.Sprintf("more than %d hosts", MaxHosts), "use fewer")
	}
	for i, text := range p.row {
		if problem := textProblem(text); problem != "" && i != p.field[colRouters] {
			return p.fail(i, problem, "write it in fewer or other characters")
		}
	}
	h := Host{
		Name: strings.Clone(p.get(colHost)), Cluster: p.share(p.get(colCluster)),
		Resolver: p.share(p.get(colDNS)), Multicast: p.share(p.get(colIPMC)),
	}
	for _, read := range []func(*Host) error{p.name, p.place, p.addr, p.hops, p.nat, p.bandwidths} {
		if err := read(&h); err != nil {
			return err
		}
	}
	cluster, known := p.clusters[h.Cluster]
	if !known {
		cluster = int32(len(p.clusters))
		p.clusters[h.Cluster] = cluster
	}
	p.hosts = append(p.hosts, h)
	p.places = append(p.places, place{location: int32(h.Location), cluster: cluster})
	return nil
}

func (p *hostsParser) name(h *Host) error {
	if h.Name == "" {
		return p.failAt(colHost, "no name", "give each host one")
	}
	if line := p.lines[h.Name]; line > 0 {
		return p.failAt(colHost, fmt.Sprintf("host %q is there already, in line %d", h.Name, line), "give each host a name of its own")
	}
	p.lines[h.Name], _ = p.r.FieldPos(0)
	return nil
}

func (p *hostsParser) place(h *Host) error {
	text := p.get(colLocation)
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || int(n) >= p.locations {
		return p.failAt(colLocation, fmt.Sprintf("%q is not a location", text),
			fmt.Sprintf("the matrix has the locations 0 to %d, a row and a column each", p.locations-1))
	}
	h.Location = int(n)
	if h.Cluster == "" {
		return p.failAt(colCluster, "no cluster", "name the region that the host is in, or its location where there is none")
	}
	return nil
}

func (p *hostsParser) addr(h *Host) error {
	text := p.get(colAddr)
	a, err := netip.ParseAddr(text)
	if err != nil {
		return p.failAt(colAddr, fmt.Sprintf("%q is not an IP address", text), "write the public address that others see, such as 198.51.100.7")
	}
	h.Addr = a.Unmap()
	if problem := addrProblem(h.Addr); problem != "" {
		return p.failAt(colAddr, problem, "write the public address that others see, such as 198.51.100.7")
	}
	return nil
}

func (p *hostsParser) hops(h *Host) error {
	text := p.get(colRouters)
	if text == "" {
		return nil
	}
	h.Hops = strings.SplitN(text, ";", MaxHops+2)
	if problem := hopsProblem(h.Hops); problem != "" {
		return p.failAt(colRouters, problem, "write the first hops, with ; between them and * for one that stays silent")
	}
	for i, hop := range h.Hops {
		h.Hops[i] = p.share(hop)
	}
	h.Hops = slices.Clip(h.Hops)
	return nil
}

func (p *hostsParser) nat(h *Host) (err error) {
	if h.NAT, err = ParseNAT(p.get(colNAT)); err != nil {
		return p.failAt(colNAT, err.Error(), "write one of them")
	}
	return nil
}

func (p *hostsParser) bandwidths(h *Host) error {
	for _, c := range []struct {
		column int
		to     *float64
	}{{colUp, &h.Up}, {colDown, &h.Down}} {
		text := p.get(c.column)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || mbpsProblem(v) != "" {
			return p.failAt(c.column, fmt.Sprintf("%q is not a bandwidth", text), "write a number of Mbit/s above 0")
		}
		*c.to = v
	}
	return nil
}

func (p *hostsParser) get(column int) string { return p.row[p.field[column]] }

// share returns one copy of equal strings, so that a row is not kept for a word.
func (p *hostsParser) share(s string) string {
	if kept, ok := p.shared[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	p.shared[s] = s
	return s
}

func (p *hostsParser) failAt(column int, problem, advice string) error {
	return p.fail(p.field[column], problem, advice)
}

// fail is an error at a field of the row.
func (p *hostsParser) fail(field int, problem, advice string) error {
	line, column := p.r.FieldPos(field)
	return &FormatError{File: p.file, Line: line, Column: column, Problem: problem, Advice: advice}
}
