package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// MostDuplicates bounds the duplicates that a DuplicatesError lists.
const MostDuplicates = 1_000

// Duplicate is a stream that has a value which another stream holds.
type Duplicate struct {
	Stream, Holder cqrs.StreamID
	// Space names the fields: that of Unique.
	Space string
}

// DuplicatesError says that some streams have values that are not theirs alone, and so were not claimed for them. All
// others were. Change the values, and claim again.
type DuplicatesError struct {
	// Duplicates are the first of them, in the order in which their streams were made.
	Duplicates []Duplicate
	// Total is the number of all.
	Total int
}

func (e *DuplicatesError) Error() string {
	d := e.Duplicates[0]
	text := fmt.Sprintf("%s has a value that %s holds (%s)", d.Stream, d.Holder, d.Space)
	if e.Total > 1 {
		text += fmt.Sprintf(", and %d more streams have one of another", e.Total-1)
	}
	return text
}

func (e *DuplicatesError) add(d Duplicate) {
	if e.Total++; e.Total <= MostDuplicates {
		e.Duplicates = append(e.Duplicates, d)
	}
}

// ClaimUnique claims the unique values of all streams that have not claimed them: those from before the model said that
// they are unique. It reads the whole log. Commands may run meanwhile; it can be stopped, and done again, at any time.
//
// A *DuplicatesError lists the streams whose values other streams hold. Until they are changed, nothing keeps others
// from having these values too once their holders leave them.
func (a *Aggregate[S]) ClaimUnique(ctx context.Context) error {
	found := &DuplicatesError{}
	for rec, err := range a.runtime.store.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return err
		}
		if rec.Version != 1 || rec.Stream.Category != a.def.Category {
			continue
		}
		if err := a.claimFor(ctx, rec.Stream, found); err != nil {
			return fmt.Errorf("claim the unique values of %s: %w", rec.Stream, err)
		}
	}
	if found.Total > 0 {
		return found
	}
	return nil
}

// claimFor claims what a stream has, as long as it has it: the commit expects the version of the stream that was loaded.
func (a *Aggregate[S]) claimFor(ctx context.Context, stream cqrs.StreamID, found *DuplicatesError) error {
	stream.ID = strings.Clone(stream.ID) // the record that it comes from is used again
	for n := 1; ; n++ {
		duplicates, err := a.claimOnce(ctx, stream)
		if !errors.As(err, new(*cqrs.ConflictError)) {
			for _, d := range duplicates {
				found.add(d)
			}
			return err
		}
		if n == attempts {
			return fmt.Errorf("given up after %d attempts: %w", n, err)
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

func (a *Aggregate[S]) claimOnce(ctx context.Context, stream cqrs.StreamID) ([]Duplicate, error) {
	l, err := a.load(ctx, stream, loadOptions{through: latest})
	if err != nil {
		return nil, err
	}
	var duplicates []Duplicate
	streams := []eventlog.StreamAppend{{Stream: stream, Expected: eventlog.Exactly(l.version)}}
	for i := range a.def.Unique {
		u, v := &a.def.Unique[i], claim.Value{}
		if u.Value(&l.state, &v); !v.Claimed() {
			continue
		}
		join, holder, err := a.runtime.book.Claim(ctx, stream, u.Space, &v)
		switch {
		case err != nil:
			return nil, err
		case holder != cqrs.StreamID{}:
			duplicates = append(duplicates, Duplicate{stream, holder, u.Space})
		case join != nil:
			streams = append(streams, *join)
		}
	}
	if len(streams) == 1 {
		return duplicates, nil
	}
	_, err = a.runtime.store.Append(ctx, eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: a.runtime.now()}, Streams: streams,
	})
	return duplicates, err
}
