package topology

import (
	"errors"
	"strconv"
	"strings"
)

// ErrUnknownName is what [Named] returns, wrapped, for a name that it does not know:
// a caller may then look for a directory of that name.
var ErrUnknownName = errors.New("unknown topology")

// FormatError says what is wrong in a file of a topology, and what to do.
type FormatError struct {
	// File is the path within the file system that was given to [Load].
	File string
	// Line and Column count from 1, Column in bytes; 0 where there is none.
	Line, Column int
	// Problem says what is wrong, Advice what to do.
	Problem, Advice string
	// Err is what caused it, if something did.
	Err error
}

// Error is "file:line:column: problem: advice".
func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			b.WriteString(":" + strconv.Itoa(n))
		}
	}
	b.WriteString(": " + e.Problem)
	if e.Advice != "" {
		b.WriteString(": " + e.Advice)
	}
	return b.String()
}

func (e *FormatError) Unwrap() error { return e.Err }
