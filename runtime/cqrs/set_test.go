package cqrs_test

import (
	"cmp"
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

type day cqrs.Date

type token uuid.UUID

func TestANilSetCanBeReadAndIsMadeByAdd(t *testing.T) {
	var s cqrs.Set[string]
	assert.False(t, s.Has("a"))
	assert.Empty(t, s.Sorted(cmp.Compare))
	s.Remove("a")
	s.Add("b", "a", "b")
	assert.True(t, s.Has("a"))
	assert.Len(t, s, 2)
	s.Remove("a", "c")
	assert.Equal(t, cqrs.SetOf("b"), s)
}

func TestSetsAreEqualByTheirElements(t *testing.T) {
	var none cqrs.Set[int]
	assert.True(t, none.Equal(cqrs.SetOf[int]()))
	assert.True(t, cqrs.SetOf(1, 2).Equal(cqrs.SetOf(2, 1, 1)))
	assert.False(t, cqrs.SetOf(1, 2).Equal(cqrs.SetOf(1)))
	assert.False(t, cqrs.SetOf(1, 2).Equal(cqrs.SetOf(1, 3)))
}

func TestSortedElementsAreInTheOrderOfTheirType(t *testing.T) {
	assert.Equal(t, []int{-3, 2, 10}, cqrs.SetOf(10, 2, -3).Sorted(cmp.Compare))
	late, early := day{2026, 3, 1}, day{2025, 12, 31}
	assert.Equal(t, []day{early, late}, cqrs.SetOf(late, early).Sorted(cqrs.CompareDates))
	one, two := token{1}, token{2}
	assert.Equal(t, []token{one, two}, cqrs.SetOf(two, one).Sorted(cqrs.CompareUUIDs))
	assert.Equal(t, []int{9, 1, 2}, cqrs.SetOf(2, 1).AppendSorted([]int{9}, cmp.Compare))
}

func TestTheTextOfASetIsAlwaysTheSame(t *testing.T) {
	for range 50 {
		assert.Equal(t, "[a b c]", cqrs.SetOf("c", "a", "b").String())
	}
}

func TestEncodingJSONKeepsSetsAsLists(t *testing.T) {
	b, err := json.Marshal(cqrs.SetOf(uuid.UUID{2}, uuid.UUID{1}))
	require.NoError(t, err)
	assert.JSONEq(t, `["01000000-0000-0000-0000-000000000000","02000000-0000-0000-0000-000000000000"]`, string(b))
	b, err = json.Marshal(cqrs.Set[string](nil))
	require.NoError(t, err)
	assert.Equal(t, "[]", string(b))

	var s cqrs.Set[int]
	require.NoError(t, json.Unmarshal([]byte(`[3, 1, 2]`), &s))
	assert.Equal(t, cqrs.SetOf(1, 2, 3), s)
	require.NoError(t, json.Unmarshal([]byte(`null`), &s))
	require.ErrorContains(t, json.Unmarshal([]byte(`[1, 2, 1]`), &s), "twice")
	require.Error(t, json.Unmarshal([]byte(`["a"]`), &s))
}
