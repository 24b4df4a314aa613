package aggregate

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
)

// tagged is an event that holds memory which others could share.
type tagged struct {
	Tags []string `json:"tags"`
}

func (*tagged) EventType() string { return "Tagged" }

func (e *tagged) AppendJSON(b []byte) ([]byte, error) {
	j, err := json.Marshal(e)
	return append(b, j...), err
}

type tagState struct{ Tags []string }

type tagFold struct{}

func (tagFold) Apply(s *tagState, rec *cqrs.Record) error {
	var e tagged
	err := json.Unmarshal(rec.Data, &e)
	s.Tags = e.Tags
	return err
}

type refusal struct{}

func (refusal) Error() string         { return "refused" }
func (refusal) RejectionType() string { return "Refusal" }

func tagCommand(decide func(s tagState) (*tagged, error)) Command[tagState] {
	return Command[tagState]{
		Name: "Tag", ID: "x", Stream: MayExist, Rejects: []string{"Refusal"},
		Check:      func() error { return nil },
		AppendJSON: func(b []byte) ([]byte, error) { return b, nil },
		Decide: func(s *tagState, _ cqrs.CommandMeta, out *Events) error {
			e, err := decide(*s)
			if err != nil {
				return err
			}
			return out.Add(e)
		},
	}
}

func newTags(t *testing.T) *Aggregate[tagState] {
	log := memory.New()
	r := NewRuntime(log)
	t.Cleanup(func() {
		r.Close()
		require.NoError(t, log.Close())
	})
	return New(r, Definition[tagState]{Category: "Tags", NewFold: func() Fold[tagState] { return tagFold{} }})
}

func TestAStateSharesNoMemoryWithTheCommandThatChangedIt(t *testing.T) {
	a := newTags(t)
	mine := []string{"vip"}
	_, err := a.Execute(t.Context(), tagCommand(func(tagState) (*tagged, error) { return &tagged{mine}, nil }))
	require.NoError(t, err)
	mine[0] = "used again by the caller"
	var seen []string
	_, err = a.Execute(t.Context(), tagCommand(func(s tagState) (*tagged, error) {
		seen = slices.Clone(s.Tags)
		return &tagged{s.Tags}, nil
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"vip"}, seen)
}

func TestWhatARejectingDeciderDidToTheStateIsForgotten(t *testing.T) {
	a := newTags(t)
	_, err := a.Execute(t.Context(), tagCommand(func(tagState) (*tagged, error) { return &tagged{[]string{"vip"}}, nil }))
	require.NoError(t, err)
	_, err = a.Execute(t.Context(), tagCommand(func(s tagState) (*tagged, error) {
		s.Tags[0] = "a decider must not do this"
		return nil, refusal{}
	}))
	require.True(t, errors.As(err, new(refusal)))
	_, err = a.Execute(t.Context(), tagCommand(func(s tagState) (*tagged, error) {
		require.Equal(t, []string{"vip"}, s.Tags)
		return &tagged{s.Tags}, nil
	}))
	require.NoError(t, err)
}

func TestARejectionThatIsReturnedAsAPointerIsFoundByItsValue(t *testing.T) {
	a := newTags(t)
	_, err := a.Execute(t.Context(), tagCommand(func(tagState) (*tagged, error) { return nil, &refusal{} }))
	require.ErrorAs(t, err, new(refusal))
}
