package embedded

import (
	"fmt"
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnImportStoresNothingBehindTheCommitThatItStopsAt(t *testing.T) {
	l := open(t, t.TempDir())
	const bad = 5
	n, err := l.Import(t.Context(), func(yield func(*eventlog.Commit, error) bool) {
		// Enough for the transaction behind that of the bad commit to be gathered before that is refused.
		for i := range 2*importCommits + 1 {
			c := oneEvent(cqrs.StreamID{Category: "Account", ID: fmt.Sprint(i)}, 0)
			if i == bad {
				c.Streams[0].Expected = 7
			}
			if !yield(&c, nil) {
				return
			}
		}
	})
	require.ErrorAs(t, err, new(*cqrs.ConflictError))
	assert.EqualValues(t, bad, n)
	head, err := l.Head(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, bad, head)
}
