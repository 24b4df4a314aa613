package cqrs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// opened is an event at its third version, which only added to the second.
type opened struct{}

func (*opened) EventType() string                   { return "Opened" }
func (*opened) EventVersion() int                   { return 3 }
func (*opened) EventEncoding() cqrs.ContentType     { return cqrs.JSONFrom(2) }
func (*opened) AppendJSON(b []byte) ([]byte, error) { return append(b, "{}"...), nil }

func TestARecordSaysFromWhichVersionOnItIsRead(t *testing.T) {
	for _, c := range []struct {
		version, known int
		encoding       cqrs.ContentType
		want           any
	}{
		{1, 1, cqrs.JSON, nil},
		{1, 3, cqrs.JSON, nil},
		{3, 3, cqrs.JSONFrom(2), nil},
		{3, 2, cqrs.JSONFrom(2), nil},
		{3, 9, cqrs.JSONFrom(2), nil},
		{3, 2, cqrs.JSON, &cqrs.NewerEventError{}},
		{3, 1, cqrs.JSONFrom(2), &cqrs.NewerEventError{}},
		{1, 1, "application/cbor", &cqrs.UnknownEventError{}},
		{3, 3, "application/json;from=4", &cqrs.UnknownEventError{}},
		{3, 3, "application/json;from=0", &cqrs.UnknownEventError{}},
		{3, 3, "application/json;from=02", &cqrs.UnknownEventError{}},
		{3, 3, "application/json;from=", &cqrs.UnknownEventError{}},
		{3, 3, "application/json;charset=utf-8", &cqrs.UnknownEventError{}},
		{3, 3, "", &cqrs.UnknownEventError{}},
	} {
		rec := &cqrs.Record{Type: "Opened", SchemaVersion: c.version, ContentType: c.encoding}
		err := rec.CheckVersion(c.known)
		if c.want == nil {
			assert.NoError(t, err, "%+v", c)
			continue
		}
		assert.IsType(t, c.want, err, "%+v", c)
	}
}

func TestNewEventsAreStoredWithWhatOlderProgramsMustKnow(t *testing.T) {
	assert.Equal(t, cqrs.ContentType("application/json;from=2"), cqrs.ContentTypeOf(&opened{}))
	assert.Equal(t, 3, cqrs.VersionOf(&opened{}))
}

func TestANewerEventSaysWhatToDeploy(t *testing.T) {
	rec := &cqrs.Record{Type: "Opened", SchemaVersion: 3, ContentType: cqrs.JSONFrom(2)}
	rec.Stream, rec.Version, rec.Position = account, 4, 9
	err := rec.CheckVersion(1)
	require.EqualError(t, err, "event Opened@3 at version 4 of Account/acc-1, position 9, is newer than this program, which "+
		"knows version 1: deploy the release that wrote it first, or one that knows version 2")
}

func TestReadingWhatIsKnownAllocatesNothing(t *testing.T) {
	rec := &cqrs.Record{Type: "Opened", SchemaVersion: 3, ContentType: cqrs.JSONFrom(2)}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if err := rec.CheckVersion(3); err != nil {
			t.Error(err)
		}
	}))
}
