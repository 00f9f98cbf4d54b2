package topology

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

const (
	// roundingMS and roundingShare are by how much the two directions of a pair may
	// differ: the last digit of tables that are rounded to 0.1 ms, or 1% for what
	// was measured in both directions and is symmetric in all but noise. Our choice.
	roundingMS    = 0.1
	roundingShare = 0.01
)

// matrixParser reads a matrix row by row, so that only half of it, as float32, is
// ever in memory.
type matrixParser struct {
	file string
	line int // of the row that is being read
	rows int
	ms   triangle // its n is known after the first row, and it grows with each
}

// loadMatrix reads the matrix.
func loadMatrix(fsys fs.FS, name string, lim limits) (triangle, error) {
	f, err := open(fsys, name, lim.matrix)
	if err != nil {
		return triangle{}, err
	}
	defer f.Close()
	p := &matrixParser{file: name}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, lim.line)
	for lines.Scan() {
		p.line++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := p.row(lines.Text()); err != nil {
			// A file that cannot be read to its end also has a last line in two.
			if broken := f.failed; broken != nil {
				err = broken
			}
			return triangle{}, err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		p.line++
		return triangle{}, p.fail(0, fmt.Sprintf("the line is longer than %d bytes", lim.line),
			"write one row a line, milliseconds separated by commas")
	} else if err != nil {
		return triangle{}, err
	}
	if p.rows == 0 {
		return triangle{}, p.fail(0, "empty file", "write a row of milliseconds for each location")
	}
	if p.rows < p.ms.n {
		return triangle{}, p.fail(0, fmt.Sprintf("%d rows, but %d columns", p.rows, p.ms.n), "the matrix must be square: a row and a column for each location")
	}
	return p.ms, nil
}

// row reads one row.
func (p *matrixParser) row(line string) error {
	cells := strings.Count(line, ",") + 1
	switch {
	case p.ms.n == 0 && cells > MaxLocations:
		return p.fail(0, fmt.Sprintf("%d columns, more than %d", cells, MaxLocations), "use fewer locations, and several hosts at each")
	case p.ms.n == 0:
		p.ms.n = cells
	case p.rows == p.ms.n:
		return p.fail(0, fmt.Sprintf("row %d of a matrix with %d columns", p.rows+1, p.ms.n), "the matrix must be square: a row and a column for each location")
	case cells != p.ms.n:
		return p.fail(0, fmt.Sprintf("%d columns, the rows before have %d", cells, p.ms.n), "each row needs as many")
	}
	column, rest, more := 1, line, true
	for j := 0; more; j++ {
		var cell string
		cell, rest, more = strings.Cut(rest, ",")
		lead := len(cell) - len(strings.TrimLeft(cell, " \t"))
		if err := p.cell(p.rows, j, column+lead, strings.TrimSpace(cell)); err != nil {
			return err
		}
		column += len(cell) + 1
	}
	p.rows++
	return nil
}

// cell reads one cell; rows and columns count from 0, as locations do.
func (p *matrixParser) cell(i, j, column int, text string) error {
	where := fmt.Sprintf("from location %d to %d: ", i, j)
	if text == "" {
		return p.fail(column, where+"missing", "every pair needs a round trip; drop locations that were not measured")
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return p.fail(column, fmt.Sprintf("%s%q is not a number", where, text), "write milliseconds such as 12.5; the matrix has no header")
	case math.IsNaN(v) || math.Signbit(v):
		return p.fail(column, fmt.Sprintf("%s%s", where, text), "a round trip is at least 0 ms; drop locations that were not measured")
	case v > maxMilliseconds:
		return p.fail(column, fmt.Sprintf("%s%s ms, more than %v", where, text, MaxRTT), "write milliseconds")
	case float32(v) == 0 && i != j:
		return p.fail(column, where+"0, which marks a missing measurement in some data sets", "write what it is, if only 0.01; put hosts that are next to each other at one location")
	}
	if j >= i {
		p.ms.ms = append(p.ms.ms, float32(v))
		return nil
	}
	at := p.ms.at(i, j)
	back := float64(*at)
	if math.Abs(back-v) > max(roundingMS, roundingShare*max(back, v))+1e-3 {
		return p.fail(column, fmt.Sprintf("%s%s ms, but %v ms back", where, text, *at), "both directions of a round trip are the same; write their mean in both places")
	}
	*at = float32((back + v) / 2)
	return nil
}

func (p *matrixParser) fail(column int, problem, advice string) error {
	return &FormatError{File: p.file, Line: max(p.line, 1), Column: column, Problem: problem, Advice: advice}
}
