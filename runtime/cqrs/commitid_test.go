package cqrs_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestACommitIdIsANewUUIDOfVersion7AndStartsWithTheTime(t *testing.T) {
	seen := map[cqrs.CommitID]bool{}
	for range 100_000 {
		before := time.Now().Truncate(time.Millisecond)
		id := cqrs.NewCommitID()
		require.False(t, seen[id])
		seen[id] = true
		u := uuid.UUID(id)
		require.Equal(t, uuid.Version(7), u.Version())
		require.Equal(t, uuid.RFC4122, u.Variant())
		sec, nsec := u.Time().UnixTime()
		require.False(t, time.Unix(sec, nsec).Before(before), "%s", u)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { cqrs.NewCommitID() }))
}
