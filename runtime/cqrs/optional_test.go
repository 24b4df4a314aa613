package cqrs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

type money struct {
	Amount int64 `json:"amount"`
}

type transfer struct {
	Reference cqrs.Optional[string]    `json:"reference,omitzero"`
	Fee       cqrs.Optional[money]     `json:"fee,omitzero"`
	At        cqrs.Optional[time.Time] `json:"at,omitzero"`
	Explicit  cqrs.Optional[int]       `json:"explicit"`
}

func TestTheZeroOptionalIsAbsent(t *testing.T) {
	var o cqrs.Optional[int]
	v, ok := o.Get()
	assert.Zero(t, v)
	assert.False(t, ok)
	assert.False(t, o.Present())
	assert.True(t, o.IsZero())
	assert.Equal(t, 7, o.Or(7))
}

func TestAnOptionalTellsTheZeroValueFromNone(t *testing.T) {
	o := cqrs.Some(0)
	v, ok := o.Get()
	assert.Zero(t, v)
	assert.True(t, ok)
	assert.True(t, o.Present())
	assert.False(t, o.IsZero())
	assert.Zero(t, o.Or(7))
}

func TestOptionalsAreComparable(t *testing.T) {
	none, otherNone := cqrs.Optional[string]{}, cqrs.Optional[string]{}
	some, otherSome := cqrs.Some("a"), cqrs.Some("a")
	assert.True(t, none == otherNone)
	assert.True(t, some == otherSome)
	assert.False(t, cqrs.Some("") == none)
	assert.False(t, some == cqrs.Some("b"))
}

func TestOptionalsSurviveEncodingJSON(t *testing.T) {
	for want, v := range map[string]transfer{
		`{"explicit":null}`: {},
		`{"reference":"","fee":{"amount":0},"at":"2026-03-01T10:00:00Z","explicit":0}`: {
			Reference: cqrs.Some(""), Fee: cqrs.Some(money{}), Explicit: cqrs.Some(0),
			At: cqrs.Some(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)),
		},
	} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		assert.Equal(t, want, string(data))
		var got transfer
		require.NoError(t, json.Unmarshal(data, &got))
		assert.Equal(t, v, got)
	}
}

func TestNullEmptiesAnOptional(t *testing.T) {
	v := transfer{Reference: cqrs.Some("old"), Fee: cqrs.Some(money{Amount: 1})}
	require.NoError(t, json.Unmarshal([]byte(`{"reference": null, "fee":{}}`), &v))
	assert.Equal(t, transfer{Fee: cqrs.Some(money{})}, v, "a value is read into a fresh one")
}

func TestABadValueLeavesAnOptionalAsItWas(t *testing.T) {
	v := transfer{Reference: cqrs.Some("old")}
	require.Error(t, json.Unmarshal([]byte(`{"reference": 1}`), &v))
	assert.Equal(t, cqrs.Some("old"), v.Reference)
}
