package eventlog

import (
	"context"
	"iter"
)

// CommandRecord is what a log keeps of a command that had an id.
type CommandRecord struct {
	// Hash is the commit's CommandHash.
	Hash [32]byte
	// Outcome is what Append returned; its Meta has the command's id.
	Outcome Appended
}

// Transfer is what every engine offers besides Log, so that a whole log can be carried to another one.
type Transfer interface {
	Log

	// Commands yields the commands on record, those without events included, in the order of their outcomes' positions.
	// Otherwise it is as Read: a *CommandRecord is valid until the iteration goes on.
	Commands(ctx context.Context) iter.Seq2[*CommandRecord, error]

	// Import appends commits in the order in which they come, many in one transaction, each of them whole or not at all.
	// Expected versions are checked, and command ids recorded, as Append does, but that the outcome on record has the
	// commit's Version. It stops at the first commit that it can't store, with an error as Append's, and returns how
	// many it stored, all of which are durable. A command id that is on record already is a *cqrs.CommandReusedError. A
	// commit is not used after the iteration went on. Nobody else should append meanwhile: nothing would be lost, but what
	// was imported would not lie together.
	Import(ctx context.Context, commits iter.Seq2[*Commit, error]) (int64, error)
}
