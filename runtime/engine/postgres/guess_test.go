package postgres

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// together appends commits in one transaction, and returns what became of each.
func together(t *testing.T, s *session, commits ...eventlog.Commit) []answer {
	t.Helper()
	answers := make([]answer, len(commits))
	w := &work{plan: func(p *plan) {
		for i := range commits {
			answers[i].appended, answers[i].err = p.append(&commits[i])
		}
	}}
	for i := range commits {
		w.commits = append(w.commits, &commits[i])
	}
	_, err := s.run(w)
	require.NoError(t, err)
	return answers
}

func TestAVersionThatWasOnlyAssumedIsNotRemembered(t *testing.T) {
	l := open(t, testserver.Postgres(t), Migrate())
	old, busy := deposit(1, eventlog.New), deposit(2, eventlog.New)
	for _, c := range []eventlog.Commit{old, busy} {
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
	}
	s := newSession(l.settings, l.writing)
	defer s.close()
	require.NoError(t, together(t, s, deposit(2, eventlog.Any))[0].err)

	// The stream is taken for a new one, which nothing contradicts, since its commit is refused for another reason.
	both := deposit(1, eventlog.New)
	both.Streams = append(both.Streams, deposit(2, eventlog.Exactly(99)).Streams...)
	got := together(t, s, both, deposit(2, eventlog.Any))
	require.Error(t, got[0].err)
	require.NoError(t, got[1].err)

	depends := deposit(2, eventlog.Any)
	depends.Streams = append(depends.Streams, eventlog.StreamAppend{Stream: old.Streams[0].Stream, Expected: eventlog.New})
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, together(t, s, depends)[0].err, &conflict)
	assert.EqualValues(t, 1, conflict.Actual)
	require.NoError(t, together(t, s, deposit(1, eventlog.Exactly(1)), deposit(2, eventlog.Any))[0].err)
}

func TestKindsOfALogThatWasRestoredAreNotThoseOfBefore(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	opened, closed := deposit(1, eventlog.Any), deposit(1, eventlog.Any)
	opened.Streams[0].Events[0].Type, closed.Streams[0].Events[0].Type = "Opened", "Closed"
	appendAndRead := func(c eventlog.Commit) {
		c.ID = cqrs.CommitID(uuid.Must(uuid.NewV7()))
		got, err := l.Append(t.Context(), c)
		require.NoError(t, err)
		last := ""
		for r, err := range l.Read(t.Context(), eventlog.Query{After: got.Position - 1}) {
			require.NoError(t, err)
			last = r.Type
		}
		require.Equal(t, c.Streams[0].Events[0].Type, last)
	}
	appendAndRead(opened)
	appendAndRead(closed)
	// A failover to a replica that lagged, or a restored backup, is a log that has less than it had.
	require.NoError(t, run(t, dsn, "DROP SCHEMA eventlog CASCADE"))
	require.NoError(t, run(t, dsn, DDL()))
	require.NoError(t, run(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`))
	appendAndRead(closed)
	appendAndRead(opened)
	appendAndRead(closed)
	other := open(t, dsn)
	n, err := other.Count(t.Context(), "Closed")
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
}

func TestWhatWasLookedForInVainIsNotStoredLater(t *testing.T) {
	l := open(t, testserver.Postgres(t), Migrate())
	s, late := newSession(l.settings, l.writing), newSession(l.settings, l.writing)
	defer s.close()
	defer late.close()
	c := deposit(1, eventlog.Any)
	require.NoError(t, together(t, s, deposit(1, eventlog.New))[0].err)
	require.NoError(t, together(t, late, c)[0].err)

	// The connection is lost with the statements on their way, which the server gets when nobody expects it any more.
	c = deposit(1, eventlog.Any)
	p := late.guess(&work{commits: []*eventlog.Commit{&c}, plan: func(p *plan) {
		_, err := p.append(&c)
		require.NoError(t, err)
	}})
	require.NotNil(t, p)
	probe, _ := p.probe()
	stored, err := s.look(probe)
	require.NoError(t, err)
	require.False(t, stored)
	stored, err = late.tryGuess(p)
	require.NoError(t, err)
	require.False(t, stored)
	head, err := l.Head(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, head)
	require.NoError(t, together(t, late, c)[0].err, "and appending goes on")
}
