package topology

import (
	"fmt"
	"io/fs"
	"path"
)

// Load reads the topology in a directory of fsys ("." for its root). The package
// comment has the format. What is wrong in a file is a [*FormatError].
func Load(fsys fs.FS, dir string) (*Topology, error) { return load(fsys, dir, defaultLimits) }

func load(fsys fs.FS, dir string, lim limits) (*Topology, error) {
	set, err := loadSettings(fsys, dir, lim.settings)
	if err != nil {
		return nil, err
	}
	ms, err := loadMatrix(fsys, path.Join(dir, set.rtt), lim)
	if err != nil {
		return nil, err
	}
	if n := len(set.locations); n > 0 && n != ms.n {
		return nil, &FormatError{File: set.file, Problem: fmt.Sprintf("%d names of locations, but %s has %d", n, set.rtt, ms.n),
			Advice: "name each row of the matrix, or none"}
	}
	hosts, places, err := loadHosts(fsys, path.Join(dir, set.hosts), ms.n, lim.hosts)
	if err != nil {
		return nil, err
	}
	return newTopology(set.name, hosts, &located{
		hosts: places, ms: ms, sameCluster: set.sameCluster, sameLocation: set.sameLocation,
	}), nil
}

// newTopology counts the locations that have hosts.
func newTopology(name string, hosts []Host, s space) *Topology {
	seen := make(map[int]struct{})
	for i := range hosts {
		seen[hosts[i].Location] = struct{}{}
	}
	return &Topology{Name: name, Hosts: hosts, locations: len(seen), space: s}
}
