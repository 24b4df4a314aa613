package admin

import (
	"context"
	"errors"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// noRows stands for the read models where a command needs none: nothing is opened that may be away.
type noRows struct{}

var errNoRows = errors.New("this command has no read models")

func (noRows) Name() string { return "none" }

func (noRows) Table(context.Context, *readmodel.Schema) (readmodel.Table, error) {
	return nil, errNoRows
}

func (noRows) Open(context.Context, string, string) (readmodel.Table, *readmodel.Schema, error) {
	return nil, nil, errNoRows
}

func (noRows) Generations(context.Context, string) ([]readmodel.Generation, error) {
	return nil, errNoRows
}

func (noRows) Promote(context.Context, string, string) error { return errNoRows }

func (noRows) Drop(context.Context, string, string) error { return errNoRows }
