package generation

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Report says what Verify found.
type Report struct {
	Projection string `json:"projection"`
	Sink       string `json:"sink"`
	// New is the generation that was verified, Old the one that it was compared with; nil if there is none.
	New Side  `json:"new"`
	Old *Side `json:"old,omitempty"`
	// Added and Removed are the columns that only the new generation has, or only the old one. A column of another kind is
	// both. What both have is compared.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// OtherKey says that the keys have other columns, so that no row of one is a row of the other.
	OtherKey bool `json:"otherKey,omitempty"`

	// Compared is the number of keys that either generation has a row for: Equal have the same one in both, Different
	// another one, the others are in one generation only.
	Compared  int64 `json:"compared"`
	Equal     int64 `json:"equal"`
	Different int64 `json:"different"`
	OnlyNew   int64 `json:"onlyNew"`
	OnlyOld   int64 `json:"onlyOld"`
	// Moved of the compared rows had changed in one generation beyond what the other one reflects, and were folded again
	// up to the position of the old one. Skipped were more than Options.MaxMoved, and are not compared.
	Moved   int64 `json:"moved"`
	Skipped int64 `json:"skipped"`
	// Differences are the first of all differences, in the order of the keys.
	Differences []Difference `json:"differences,omitempty"`

	// Sampled rows were folded once more from the log, up to the position of the new generation. Mismatched of them are not
	// what the generation has: it is wrong, or the fold is not a function of the events. Mismatches are the first of them,
	// Old being what is stored and New what was folded.
	Sampled    int64        `json:"sampled"`
	Mismatched int64        `json:"mismatched"`
	Mismatches []Difference `json:"mismatches,omitempty"`
	// Seed chose the sample.
	Seed uint64 `json:"seed"`
}

// Side is what Verify saw of one generation.
type Side struct {
	Generation string `json:"generation"`
	// Position is the position that the first rows reflected that were read, Built whether it is whole.
	Position cqrs.Position `json:"position"`
	Built    bool          `json:"built"`
	Rows     int64         `json:"rows"`
	// Checksum is one of the compared rows, at the position of the old generation, in whatever order they come: of their
	// keys and of the columns that both generations have. It is equal if all compared rows are.
	Checksum string `json:"checksum"`
}

// Difference is a row that is not the same on both sides.
type Difference struct {
	// Key is the row's key as people read it: "account=acc-1 currency=EUR".
	Key string `json:"key"`
	// In says which side has the row: both, old or new.
	In string `json:"in"`
	// Columns are those whose values differ, if both have it.
	Columns []ColumnDifference `json:"columns,omitempty"`
}

// ColumnDifference is a value that is not the same on both sides, as people read it; long ones are cut.
type ColumnDifference struct {
	Column string `json:"column"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

// String returns the difference in one line: "balance: 5 → 7".
func (c ColumnDifference) String() string {
	return fmt.Sprintf("%s: %s → %s", c.Column, c.Old, c.New)
}

// OK reports whether the new generation is what the log says, as far as the sample goes. That it differs from the old one
// is no fault: that is what another fold is for.
func (r *Report) OK() bool { return r.Mismatched == 0 }

// Err returns a *MismatchError if the report is not OK.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	return &MismatchError{Report: r}
}

// MismatchError says that rows of a generation are not what the log says: somebody wrote into its table, say, or a fold
// in Go is another one now. With another revision of the projection in the model the rows are built anew beside these.
type MismatchError struct{ Report *Report }

func (e *MismatchError) Error() string {
	r := e.Report
	text := fmt.Sprintf("read model %s: %d of %d sampled rows of generation %s are not what the log says",
		r.Projection, r.Mismatched, r.Sampled, r.New.Generation)
	if len(r.Mismatches) > 0 {
		first := r.Mismatches[0]
		text += ", the first is " + first.Key
		if len(first.Columns) > 0 {
			text += " (" + first.Columns[0].String() + ")"
		}
	}
	return text + ": drop it, and it is built again; if it is active, raise the projection's `revision` " +
		"in the model, which has another one built beside it"
}

// maxText bounds a value in a report.
const maxText = 200

func text(v readmodel.Value) string {
	s := []rune(v.String())
	if len(s) > maxText {
		return string(s[:maxText]) + "…"
	}
	return string(s)
}
