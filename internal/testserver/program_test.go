package testserver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProgramGetsFailuresAsErrorsAndCleansUpBehindThem(t *testing.T) {
	var done []string
	err := Run(func(t testing.TB) error {
		t.Cleanup(func() { done = append(done, "first") })
		t.Cleanup(func() {
			done = append(done, "second")
			t.Fatalf("clean up %d", 2)
		})
		inner := Run(func(t testing.TB) error {
			t.Cleanup(func() { done = append(done, "inner") })
			t.Skip("not installed")
			return nil
		})
		require.EqualError(t, inner, "not installed")
		require.ErrorAs(t, inner, new(*MissingError))
		t.Error("it goes on")
		return errors.New("its own")
	})
	require.EqualError(t, err, "its own\nit goes on\nclean up 2")
	assert.Equal(t, []string{"inner", "second", "first"}, done)
	require.NoError(t, Run(func(testing.TB) error { return nil }))
	assert.PanicsWithValue(t, "a mistake", func() { _ = Run(func(testing.TB) error { panic("a mistake") }) })
}
