package tidy

import (
	"fmt"
	"strings"

	"golang.org/x/tools/go/packages"
)

// module is the path before every package of the table.
const module = "github.com/quilt-p2p/quilt"

// layer is where a package stands: it may import what stands strictly lower.
type layer struct {
	path  string // relative to the module; ending in /... it means all below it
	level int
	pure  bool
}

// layers is the architecture of docs/architecture.md as a table. A new package
// needs a row; one that several rows match belongs to the longest path.
var layers = []layer{
	// The ground floor imports nothing of the project.
	{path: "protocol", level: 0, pure: true},
	{path: "internal/tidy", level: 0},

	// Values.
	{path: "feed", level: 1, pure: true},
	{path: "euid", level: 1, pure: true},
	{path: "internal/sendqueue", level: 1, pure: true},
	{path: "internal/ways", level: 1, pure: true},
	{path: "internal/vivaldi", level: 1, pure: true},

	// Machines, one protocol each, which do not know of each other.
	{path: "gossipmembership", level: 2, pure: true},
	{path: "gossip", level: 2, pure: true},
	{path: "internal/antientropy", level: 2, pure: true},
	{path: "large", level: 2, pure: true},
	{path: "internal/swarm", level: 3, pure: true},
	{path: "omni", level: 2, pure: true},
	{path: "donet", level: 2, pure: true},
	{path: "ipmc", level: 2, pure: true},
	{path: "ipmc/share", level: 2, pure: true},
	{path: "reps", level: 3, pure: true},
	{path: "patches", level: 3, pure: true},

	// What surrounds machines in the running process: sockets, disk, the outside.
	{path: "euid/...", level: 3},
	{path: "omni/...", level: 3},
	{path: "donet/...", level: 3},
	{path: "ipmc/...", level: 3},
	{path: "internal/store", level: 3},
	{path: "internal/pieces", level: 3},
	{path: "internal/links", level: 3},
	{path: "internal/mirror", level: 3},
	{path: "internal/control", level: 3},

	// The composite, and the two that run it, which do not know of each other.
	{path: "internal/core", level: 4, pure: true},
	{path: "sim/...", level: 5, pure: true},
	{path: "sim", level: 6, pure: true},
	{path: "sim/optimum", level: 6, pure: true},
	{path: "node", level: 6},

	// Experiments in the simulator, and what a person sees of them.
	{path: "sim/scenario", level: 7, pure: true},
	{path: "sim/report", level: 8},

	// Faces.
	{path: "internal/daemon", level: 7},
	{path: "internal/bench", level: 9},
	{path: "internal/figures", level: 0},
	{path: "internal/optimum", level: 9},
	{path: "internal/e2e", level: 9},
	{path: "internal/lantest", level: 9},
	{path: "internal/lab", level: 7},
	{path: "internal/lab/...", level: 7},
	{path: "cmd/...", level: 9},
	{path: "examples/...", level: 9},
}

// find returns the row of a package path relative to the module.
func find(path string) (layer, bool) {
	best, found := layer{}, false
	for _, l := range layers {
		prefix, open := strings.CutSuffix(l.path, "...")
		if path != l.path && !(open && strings.HasPrefix(path, prefix)) {
			continue
		}
		if !found || len(l.path) > len(best.path) {
			best, found = l, true
		}
	}
	return best, found
}

// checkLayers reports imports that do not run downwards, and pure packages that
// import others of the project that are not.
func checkLayers(p *packages.Package, report reporter) {
	path, inside := within(p.PkgPath)
	if !inside {
		return
	}
	from, known := find(path)
	if !known {
		report(packageClause(p), "package %s is not in the table of layers: give it a row in internal/tidy/layers.go", path)
		return
	}
	for _, file := range p.Syntax {
		for _, spec := range file.Imports {
			target, inside := within(importPath(spec))
			if !inside {
				continue
			}
			to, known := find(target)
			switch {
			case !known:
				report(spec.Pos(), "import of %s, which is not in the table of layers", target)
			case to.level >= from.level && from.path != to.path:
				report(spec.Pos(), "import of %s runs upwards: %s, from %s", target, to, from)
			case to.level >= from.level && target != path && !strings.HasPrefix(target, path+"/"):
				// Two packages of one row, as two commands: neither is below.
				report(spec.Pos(), "import of %s runs sideways: it is in the same row as %s", target, path)
			}
			if known && from.pure && !to.pure {
				report(spec.Pos(), "pure package %s imports %s, which is not pure", path, target)
			}
		}
	}
}

func (l layer) String() string { return fmt.Sprintf("%s (level %d)", l.path, l.level) }

// within returns a package path relative to the module, "" for its root.
func within(path string) (relative string, inside bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}
