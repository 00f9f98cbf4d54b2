package report

import (
	"strings"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// Row is one figure that applies, or all of one distribution.
type Row struct {
	// Key is the key in the JSON, of the object for a distribution.
	Key string
	// Name is for people.
	Name  string
	Cells []Cell
	// Means says what it is; Brief is its first words.
	Means, Brief string
}

// Cell is one figure of a row, with its unit; Name is empty where the row has only
// one.
type Cell struct{ Name, Value string }

// Rows are all figures of a result that apply, in the order of [Fields].
func Rows(r *scenario.Result) []Row {
	var list []Row
	group := ""
	for _, f := range Fields {
		text := f.Text(r)
		if text == "" {
			continue
		}
		name, part, parted := strings.Cut(f.Name, ", ")
		parted = parted && f.Group != f.Key
		switch {
		case parted && f.Group == group:
			last := &list[len(list)-1]
			last.Cells = append(last.Cells, Cell{part, text})
		case parted:
			list = append(list, Row{f.Group, name, []Cell{{part, text}}, f.Means, f.Brief()})
		default:
			list = append(list, Row{f.Key, f.Name, []Cell{{"", text}}, f.Means, f.Brief()})
		}
		group = ""
		if parted {
			group = f.Group
		}
	}
	return list
}

// Brief is what a field means without what follows the colon.
func (f Field) Brief() string {
	brief, _, _ := strings.Cut(f.Means, ":")
	return brief
}

// notRecovered stands for a recovery that there was not: the figure is null as if
// there had been no kill.
const notRecovered = "not yet"

// Text is the figure of a result for people; empty where it does not apply.
func (f Field) Text(r *scenario.Result) string {
	switch v, ok := f.Value(r); {
	case ok:
		return f.Format(v)
	case f.Key == "recovery_s" && r.FirstAfterKill != nil:
		return notRecovered
	}
	return ""
}

// FieldOf returns the field of a key.
func FieldOf(k string) (Field, bool) {
	for _, f := range Fields {
		if f.Key == k {
			return f, true
		}
	}
	return Field{}, false
}
