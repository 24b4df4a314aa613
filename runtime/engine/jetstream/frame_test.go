package jetstream

import (
	"strings"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEveryIDHasASubjectOfItsOwnFromWhichItCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, other := rapid.String().Draw(t, "id"), rapid.String().Draw(t, "other id")
		token := string(appendToken(nil, id))
		assert.NotContains(t, token, ".")
		assert.False(t, strings.ContainsAny(token, "*> \t\r\n\x00"), token)
		back, ok := parseToken(token)
		assert.True(t, ok)
		assert.Equal(t, id, back)
		assert.Equal(t, id == other, token == string(appendToken(nil, other)))
	})
	for _, token := range []string{"=", "=4", "=41", "=2g", "=2e", "a.b", "ä", "*"} {
		_, ok := parseToken(token)
		assert.False(t, ok, token)
	}
	longest := string(appendToken(nil, strings.Repeat("é", cqrs.MaxID/2)))
	assert.Less(t, len(longest), 2048, "a server reads 4,096 bytes of a line of control")
}

// somePart returns a part with events, and its frame.
func somePart() (part, []byte) {
	p := part{
		flags: flagCommand | flagStream | flagEvents, commit: cqrs.CommitID{1, 2}, index: 1, parts: 3,
		meta: cqrs.CommandMeta{
			Time: time.Date(2026, 3, 1, 0, 0, 0, 1000, time.UTC), CommandID: "cmd", CorrelationID: "cor", CausationID: "cau",
			Actor: "ada",
		},
		hash: [32]byte{7}, attempt: 1<<64 - 1, outcome: 9, lastCount: 4,
		stream: cqrs.StreamID{Category: "Account", ID: "é/1"}, version: 5, previous: 17,
	}
	return p, p.appendEvents(nil, []eventlog.NewEvent{
		{Type: "A", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")},
		{Type: "B", SchemaVersion: 2, ContentType: "x/y"},
		{Type: "A", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte{0, 255}},
	})
}

func TestAPartComesBackAsItWasWritten(t *testing.T) {
	want, frame := somePart()
	var got part
	require.NoError(t, new(decoder).part(frame, &got))
	assert.Len(t, got.types, 2)
	assert.EqualValues(t, 3, got.count)
	assert.Equal(t, cqrs.Version(7), got.last())
	var r cqrs.Record
	for _, data := range []string{"{}", "", "\x00\xff"} {
		require.NoError(t, got.event(&r))
		assert.Equal(t, data, string(r.Data))
		assert.Equal(t, len(r.Data), cap(r.Data), "appending to a payload writes into no other")
	}
	require.ErrorIs(t, got.event(&r), eventlog.ErrCorrupt)
	got.types, got.count, got.events = nil, 0, nil
	assert.Equal(t, want, got)
}

func TestEveryChangedBitOfAPartIsNoticed(t *testing.T) {
	_, frame := somePart()
	for i := range len(frame) * 8 {
		frame[i/8] ^= 1 << (i % 8)
		require.ErrorIs(t, new(decoder).part(frame, new(part)), eventlog.ErrCorrupt, "bit %d", i)
		frame[i/8] ^= 1 << (i % 8)
	}
	for n := range frame {
		require.ErrorIs(t, new(decoder).part(frame[:n], new(part)), eventlog.ErrCorrupt, "cut at %d", n)
	}
}

func FuzzPartsThatNobodyWroteAreRefusedWithoutAPanic(f *testing.F) {
	_, frame := somePart()
	f.Add(frame[frameHeader:])
	note := part{flags: flagStream, parts: 1, stream: cqrs.StreamID{Category: "A", ID: "1"}, known: 99}
	f.Add(note.appendNote(nil)[frameHeader:])
	f.Fuzz(func(t *testing.T, content []byte) {
		// With the right checksum, so that the content is looked at.
		sealed := seal(append([]byte{format, 0, 0, 0, 0}, content...), 0)
		var p part
		if err := new(decoder).part(sealed, &p); err != nil {
			require.ErrorIs(t, err, eventlog.ErrCorrupt)
			return
		}
		var c counts
		c.of = make(map[string]int64)
		_ = c.add(&p)
		for range p.count {
			var r cqrs.Record
			if p.event(&r) != nil {
				return
			}
		}
	})
}
