package aggregate

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// BenchmarkExecute is one command of one event on a stream that is in the cache, over the log in memory: what the
// runtime itself costs.
func BenchmarkExecute(b *testing.B) {
	s := newSystem(b, setting{})
	const streams = 1000
	event := added{Name: "a", N: 1}
	commands := make([]Command[tally], streams)
	for i := range commands {
		commands[i] = command(strconv.Itoa(i), "Add", nil)
		commands[i].Decide = func(_ *tally, _ cqrs.CommandMeta, out *Events) error { return out.Add(&event) }
		s.must(b, commands[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := s.Execute(b.Context(), commands[i%streams])
		require.NoError(b, err)
	}
}
