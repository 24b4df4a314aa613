package elastic

import (
	"context"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/projection/projectiontest"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestProjectors(t *testing.T) {
	t.Parallel()
	projectiontest.Run(t, projectiontest.Sink{
		RowsAhead: true,
		New:       func(t *testing.T) string { return testserver.Elasticsearch(t) },
		Open: func(ctx context.Context, address string) (readmodel.Store, func() error, error) {
			store, err := Open(ctx, address)
			if err != nil {
				return nil, nil, err
			}
			return store, store.Close, nil
		},
	})
}
