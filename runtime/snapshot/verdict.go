package snapshot

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Verdict is what a verification says of one snapshot.
type Verdict string

// The verdicts. Only Wrong and Unreplayable say that something is to be done: a snapshot that is Stale, Damaged or
// Foreign is never used, and is replaced when the policy says so.
const (
	// Right is the snapshot of which the state is the one that the history adds up to.
	Right Verdict = "right"
	// Wrong is the snapshot of which the state is another one. Loads use it. A fold that was changed, so that old events
	// lead to another state than before, does that, and one that is not pure.
	Wrong Verdict = "wrong"
	// Stale is a snapshot of another shape of the state.
	Stale Verdict = "stale"
	// Damaged is a snapshot that is not what was written.
	Damaged Verdict = "damaged"
	// Foreign is a snapshot of another history.
	Foreign Verdict = "foreign"
	// Unreplayable says that the history could not be folded, and so not be compared.
	Unreplayable Verdict = "unreplayable"
)

// Finding is what a verification found out about one snapshot.
type Finding struct {
	Stream cqrs.StreamID
	// Version is the one that the snapshot claims to be of, 0 where it is Damaged.
	Version cqrs.Version
	Verdict Verdict
	// Snapshot and Replayed are the two states, encoded, where the verdict is Wrong.
	Snapshot, Replayed []byte
	// Err says why, where the verdict is Damaged or Unreplayable.
	Err error
}
