package tidy

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/tools/go/packages"
)

// Finding is one place where a rule is broken.
type Finding struct {
	File    string // relative to the directory checked, with slashes
	Line    int
	Message string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message) }

// reporter takes in a finding.
type reporter func(pos token.Pos, format string, args ...any)

// Check applies every rule to the module in dir and returns what it finds, in
// order of place. An error means that the rules could not be applied to all of it.
func Check(dir string) ([]Finding, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir: dir,
	}, "./...")
	if err != nil {
		return nil, fmt.Errorf("loading the packages of %s: %w", dir, err)
	}
	var found []Finding
	var broken []error
	for _, p := range pkgs {
		if len(p.Errors) > 0 {
			broken = append(broken, fmt.Errorf("package %s cannot be checked: %w", p.PkgPath, p.Errors[0]))
			continue
		}
		checkPackage(p, func(pos token.Pos, format string, args ...any) {
			at := p.Fset.Position(pos)
			found = append(found, Finding{File: relative(dir, at.Filename), Line: at.Line,
				Message: fmt.Sprintf(format, args...)})
		})
	}
	inFiles, err := checkFiles(dir)
	if err != nil {
		return nil, err
	}
	found = append(found, inFiles...)
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(found), errors.Join(broken...)
}

// checkPackage applies the rules that need a package's syntax and types.
func checkPackage(p *packages.Package, report reporter) {
	checkComment(p, report)
	checkLayers(p, report)
	path, _ := within(p.PkgPath)
	if l, known := find(path); !known || !l.pure {
		return
	}
	for _, ignored := range p.IgnoredFiles {
		if filepath.Ext(ignored) == ".go" && !isTest(ignored) {
			report(packageClause(p), "pure package has a build constraint on %s: it must be the same everywhere", filepath.Base(ignored))
		}
	}
	for _, file := range p.Syntax {
		if !ast.IsGenerated(file) {
			checkPure(p, file, report)
			checkOrder(p, file, report)
		}
	}
}

// packageClause is where findings about a whole package are reported.
func packageClause(p *packages.Package) token.Pos {
	if len(p.Syntax) == 0 {
		return token.NoPos
	}
	return p.Syntax[0].Name.Pos()
}

func importPath(spec *ast.ImportSpec) string {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser accepted it
	}
	return path
}

// relative names a file for a person.
func relative(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}
