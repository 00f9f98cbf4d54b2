package tidy

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/go/packages"
)

const (
	// MaxLines is the length past which "a file is asking to be two".
	MaxLines = 500
	// maxText bounds the files that are searched for mentions; larger ones are data.
	maxText = 1 << 20
)

// mention matches what means nothing outside one workplace. Written so that it
// does not match itself.
var mention = regexp.MustCompile(`\.\.` + `/shared\b`)

// generated matches the line that marks generated code, as `go help generate` has it.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// checkComment reports a package without a comment that says what it is.
func checkComment(p *packages.Package, report reporter) {
	for _, file := range p.Syntax {
		if text := strings.TrimSpace(file.Doc.Text()); text != "" {
			if p.Name != "main" && !strings.HasPrefix(text, "Package "+p.Name+" ") {
				report(file.Doc.Pos(), "package comment does not begin with \"Package %s \"", p.Name)
			}
			return
		}
	}
	if len(p.Syntax) > 0 { // else it has only tests, see checkTestPackage
		report(packageClause(p), "package %s has no package comment", p.Name)
	}
}

// checkFiles applies the rules that need only text to every file below dir.
func checkFiles(dir string) ([]Finding, error) {
	var found []Finding
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch {
			case d.Name() == ".git" || path == filepath.Join(dir, "dist"):
				return fs.SkipDir
			case path != dir && d.Name() == "testdata" && filepath.Base(filepath.Dir(path)) == "tidy":
				return fs.SkipDir // bad on purpose
			}
			return checkTestPackage(dir, path, &found)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return checkFile(dir, path, &found)
	})
	return found, err
}

func checkFile(dir, path string, found *[]Finding) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxText {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil || !utf8.Valid(text) {
		return err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	report := func(line int, format string, args ...any) {
		*found = append(*found, Finding{File: relative(dir, path), Line: line, Message: fmt.Sprintf(format, args...)})
	}
	for i, line := range lines {
		if m := mention.Find(line); m != nil {
			report(i+1, "mentions %s, which only one workplace has", m)
		}
	}
	if strings.HasSuffix(path, ".go") && len(lines) > MaxLines && !generated.Match(text) {
		report(MaxLines+1, "the file has %d lines, more than %d: it is asking to be two", len(lines), MaxLines)
	}
	return nil
}

// checkTestPackage reports a directory that has tests only, which a load without
// tests does not show, and no comment in any of them.
func checkTestPackage(dir, path string, found *[]Finding) error {
	files, err := filepath.Glob(filepath.Join(path, "*.go"))
	if err != nil || len(files) == 0 {
		return err
	}
	for _, file := range files {
		if !isTest(file) {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if f.Doc.Text() != "" {
			return nil
		}
	}
	*found = append(*found, Finding{File: relative(dir, files[0]), Line: 1, Message: "no test file has a package comment"})
	return nil
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }
