package cqrs_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// notOpen is a rejection as the generator writes it.
type notOpen struct{ Account string }

func (r notOpen) Error() string         { return "account " + r.Account + " is not open" }
func (r notOpen) RejectionType() string { return "AccountNotOpen" }

var account = cqrs.StreamID{Category: "Account", ID: "acc-1"}

func TestErrorsSayWhatHappenedAndWhatToDo(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{
			&cqrs.ValidationError{Command: "Deposit", Fields: []cqrs.FieldError{
				{Path: "money.amount", Message: "must be at least 1, is 0"},
				{Path: "reference", Message: "must not have a NUL character"},
			}},
			"command Deposit is not valid: money.amount must be at least 1, is 0; " +
				"reference must not have a NUL character",
		},
		{
			&cqrs.InvalidStreamError{Stream: account, Reason: "because"},
			`stream "Account/acc-1" is not valid: because`,
		},
		{
			&cqrs.ConflictError{Stream: account, Expected: 2, Actual: 3},
			"stream Account/acc-1 is at version 3, not at the expected 2",
		},
		{&cqrs.NotFoundError{Stream: account}, "Account/acc-1 does not exist"},
		{&cqrs.AlreadyExistsError{Stream: account}, "Account/acc-1 already exists"},
		{
			&cqrs.EncodingError{Type: "Deposited", Field: "money.amount", Reason: "is NaN"},
			"can't encode Deposited: field money.amount: is NaN",
		},
		{&cqrs.EncodingError{Type: "Deposited", Reason: "is too deep"}, "can't encode Deposited: is too deep"},
		{
			&cqrs.DecodingError{Type: "Deposited", Field: "money", Offset: 7, Reason: "is missing"},
			"can't decode Deposited at byte 7: field money: is missing",
		},
		{&cqrs.DecodingError{Type: "Deposited", Reason: "is cut"}, "can't decode Deposited at byte 0: is cut"},
		{
			&cqrs.NotImplementedError{Method: "Account.Withdraw"},
			"Account.Withdraw is not implemented: write its body",
		},
		{
			&cqrs.PanicError{In: "Account.Withdraw", Value: "index out of range"},
			"Account.Withdraw panicked: index out of range",
		},
		{
			&cqrs.CommandReusedError{CommandID: "c-1"},
			`command id "c-1" was used before for another command: take a new id for each command`,
		},
		{
			&cqrs.UndeclaredRejectionError{Command: "Deposit", Rejection: notOpen{"acc-1"}},
			"the decider of Deposit returned the rejection AccountNotOpen, which the model does not declare: " +
				"add it to the command's rejects",
		},
		{
			&cqrs.UnknownEventError{
				Stream: account, Version: 4, Position: 9, Type: "Deposited", SchemaVersion: 2, ContentType: cqrs.JSON,
			},
			"event Deposited@2 (application/json) at version 4 of Account/acc-1, position 9, " +
				"is unknown to this program: deploy a release that knows it, or declare it again",
		},
	} {
		assert.EqualError(t, test.err, test.want)
	}
}

func TestErrorsAreToldApartThroughWrapping(t *testing.T) {
	err := fmt.Errorf("while paying: %w", &cqrs.ConflictError{Stream: account, Expected: 1, Actual: 2})
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, cqrs.Version(2), conflict.Actual)
	var missing *cqrs.NotFoundError
	assert.False(t, errors.As(err, &missing))
}

func TestAnUndeclaredRejectionIsStillThatRejection(t *testing.T) {
	var err error = &cqrs.UndeclaredRejectionError{Command: "Deposit", Rejection: notOpen{"acc-1"}}
	var rejection cqrs.Rejection
	require.ErrorAs(t, err, &rejection)
	assert.Equal(t, "AccountNotOpen", rejection.RejectionType())
	var typed notOpen
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, "acc-1", typed.Account)
}

func TestOptionsAddUp(t *testing.T) {
	var o cqrs.CommandOptions
	for _, option := range []cqrs.CommandOption{
		cqrs.WithCommandID("command"), cqrs.WithCorrelationID("correlation"), cqrs.WithCausationID("causation"),
		cqrs.WithActor("ada"), cqrs.IfVersion(0),
	} {
		option(&o)
	}
	assert.Equal(t, cqrs.CommandOptions{
		Meta: cqrs.CommandMeta{
			CommandID: "command", CorrelationID: "correlation", CausationID: "causation", Actor: "ada",
		},
		HasVersion: true,
	}, o)

	var q cqrs.QueryOptions
	cqrs.AtLeast(7)(&q)
	cqrs.AtLeast(3)(&q)
	assert.Equal(t, cqrs.Position(7), q.AtLeast, "the later of two positions counts")
}
