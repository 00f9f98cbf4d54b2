package tidy

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// orderless is the directive that excuses a line, and the one after it.
const orderless = "//tidy:orderless"

// mapIterators are the functions of package maps whose result has the map's order.
var mapIterators = []string{"All", "Keys", "Values"}

// sorters are the functions of package slices that put an iterator in order.
var sorters = []string{"Sorted", "SortedFunc", "SortedStableFunc"}

// checkOrder reports what depends on the order of a map, which differs from run to
// run.
func checkOrder(p *packages.Package, file *ast.File, report reporter) {
	excuses := excuses(p, file, report)
	excused := func(n ast.Node) bool {
		line := p.Fset.Position(n.Pos()).Line
		for _, e := range excuses {
			if e.line == line || e.line == line-1 {
				e.used = true
				return true
			}
		}
		return false
	}
	sorted := map[ast.Expr]bool{} // calls whose result is sorted at once
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if isMap(p.TypesInfo.TypeOf(n.X)) && !excused(n) {
				report(n.Pos(), "pure package ranges over a map: keep a slice for order, or say why it does not matter (%s REASON)", orderless)
			}
		case *ast.CallExpr:
			if name, ok := called(p, n, "slices"); ok && slices.Contains(sorters, name) && len(n.Args) > 0 {
				sorted[n.Args[0]] = true
			}
			name, ok := called(p, n, "maps")
			if ok && slices.Contains(mapIterators, name) && !sorted[n] && !excused(n) {
				report(n.Pos(), "pure package iterates over a map by maps.%s without slices.Sorted", name)
			}
			if name, ok := called(p, n, "reflect"); ok && (name == "MapRange" || name == "MapKeys") && !excused(n) {
				report(n.Pos(), "pure package iterates over a map by reflect's %s", name)
			}
		}
		return true
	})
	for _, e := range excuses {
		if !e.used {
			report(e.comment.Pos(), "%s excuses nothing here", orderless)
		}
	}
}

// excuse is one orderless directive.
type excuse struct {
	line    int
	comment *ast.Comment
	used    bool
}

func excuses(p *packages.Package, file *ast.File, report reporter) []*excuse {
	var found []*excuse
	for _, group := range file.Comments {
		for _, c := range group.List {
			reason, ok := strings.CutPrefix(c.Text, orderless)
			if !ok {
				continue
			}
			if strings.TrimSpace(reason) == "" {
				report(c.Pos(), "%s gives no reason", orderless)
			}
			found = append(found, &excuse{line: p.Fset.Position(c.Pos()).Line, comment: c})
		}
	}
	return found
}

// called returns the name of the function or method of package pkg that a call
// calls.
func called(p *packages.Package, call *ast.CallExpr, pkg string) (name string, ok bool) {
	fun := ast.Unparen(call.Fun)
	switch f := fun.(type) { // with type arguments
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	var id *ast.Ident
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		id = f.Sel
	case *ast.Ident:
		id = f
	default:
		return "", false
	}
	obj := p.TypesInfo.Uses[id]
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != pkg {
		return "", false
	}
	return obj.Name(), true
}

// isMap reports whether a value of type t is a map, or may be one where t is a
// type parameter.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface: // a type parameter's constraint: look at its terms
		for i := range u.NumEmbeddeds() {
			if mapTerm(u.EmbeddedType(i)) {
				return true
			}
		}
	}
	return false
}

func mapTerm(t types.Type) bool {
	union, ok := t.(*types.Union)
	if !ok {
		return isMap(t)
	}
	for i := range union.Len() {
		if isMap(union.Term(i).Type()) {
			return true
		}
	}
	return false
}
