package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
)

func TestAnAnswerIsThatOfOneGenerationAtItsPosition(t *testing.T) {
	const eur = ledger.CurrencyEUR
	answers := map[answered]moves{
		{"old", 10}: {eur: 5}, {"old", 12}: {eur: 7}, {"new", 10}: {eur: 3}, {"new", 11}: {eur: 4}, {"new", 12}: {eur: 4},
	}
	during := func() *traffic {
		return &traffic{
			books:   &books{movements: moves{eur: 5}, deposits: moves{eur: 3}},
			written: []movement{{position: 12, currency: eur, amount: -1}, {position: 11, currency: eur, amount: 1}},
			answers: map[answered]moves{},
		}
	}
	all := during()
	all.answers = answers
	require.NoError(t, all.check("old"))
	for of, wrong := range map[answered]moves{
		{"old", 11}: {eur: 5}, // it misses a movement
		{"old", 10}: {eur: 3}, // it is of the other generation
		{"new", 12}: {eur: 5}, // it is of both
		{"new", 10}: {},       // half of it is not there
	} {
		r := during()
		r.answers[of] = wrong
		assert.ErrorContains(t, r.check("old"), "which are", of)
	}
}
