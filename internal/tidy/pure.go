package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// impureImports may not be imported by a pure package, nor anything below those
// that end in a slash.
var impureImports = []string{
	"C", "os", "os/", "net", "net/", "log", "log/", "sync", "sync/", "syscall", "runtime", "runtime/",
	"unsafe", "plugin", "io/ioutil", "crypto/rand", "hash/maphash", "testing", "testing/",
}

// pureImports may be, although an entry of impureImports covers them.
var pureImports = []string{"net/netip"}

// outsideImports are the only packages of other modules that a pure package may
// import: values, hashes and encodings. What is below a path that ends in a slash
// is allowed with it.
var outsideImports = []string{
	"github.com/libp2p/go-libp2p/core/crypto", "github.com/libp2p/go-libp2p/core/crypto/pb",
	"github.com/libp2p/go-libp2p/core/peer", "github.com/libp2p/go-libp2p-pubsub/pb",
	"github.com/multiformats/", "github.com/mr-tron/base58",
	"github.com/bits-and-blooms/", "github.com/spaolacci/murmur3", "github.com/cespare/xxhash/v2",
	"golang.org/x/crypto/", "golang.org/x/exp/constraints", "google.golang.org/protobuf/",
	"lukechampine.com/blake3",
}

// impureNames may not be used by a pure package, though their package may.
var impureNames = map[string][]string{
	"time": {"Now", "After", "AfterFunc", "Since", "Until", "Sleep", "Tick", "NewTimer", "NewTicker",
		"Timer", "Ticker", "Local", "LoadLocation"},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause", "AfterFunc"},
	"fmt":     {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

// seededRand are the functions of math/rand and math/rand/v2 that do not use the
// global, randomly seeded source.
var seededRand = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf"}

// checkPure reports what makes a package depend on more than its inputs.
func checkPure(p *packages.Package, file *ast.File, report reporter) {
	for _, spec := range file.Imports {
		if path := importPath(spec); !mayImport(path) {
			report(spec.Pos(), "pure package imports %s", path)
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname") {
				report(c.Pos(), "pure package uses go:linkname")
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "pure package starts a goroutine")
		case *ast.SelectStmt:
			report(n.Pos(), "pure package uses select")
		case *ast.ChanType:
			report(n.Pos(), "pure package uses a channel")
		case *ast.SendStmt:
			report(n.Arrow, "pure package sends on a channel")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				report(n.OpPos, "pure package receives from a channel")
			}
		case *ast.Ident:
			if use := impure(p.TypesInfo.Uses[n]); use != "" {
				report(n.Pos(), "pure package uses %s", use)
			}
		}
		return true
	})
}

// mayImport reports whether a pure package may import path. Packages of the
// project are checkLayers' business.
func mayImport(path string) bool {
	if _, inside := within(path); inside || covers(pureImports, path) {
		return true
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return covers(outsideImports, path)
	}
	return !covers(impureImports, path)
}

func covers(list []string, path string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return s == path || strings.HasSuffix(s, "/") && strings.HasPrefix(path, s)
	})
}

// impure names an object that a pure package may not use, "" for all others. It
// goes by what an identifier means, so that another name for an import, or a
// function passed as a value, hides nothing.
func impure(obj types.Object) string {
	if obj == nil {
		return ""
	}
	if obj.Pkg() == nil {
		if _, builtin := obj.(*types.Builtin); builtin && (obj.Name() == "print" || obj.Name() == "println") {
			return obj.Name()
		}
		return ""
	}
	path, name := obj.Pkg().Path(), obj.Name()
	if obj.Parent() != obj.Pkg().Scope() {
		return "" // a method or a field
	}
	switch _, isFunc := obj.(*types.Func); {
	case slices.Contains(impureNames[path], name):
		return path + "." + name
	case isFunc && (path == "math/rand" || path == "math/rand/v2") && !slices.Contains(seededRand, name):
		return "the global source of " + path + " (" + name + ")"
	}
	return ""
}
