package postgres

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/projection/projectiontest"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestProjectors(t *testing.T) {
	t.Parallel()
	projectiontest.Run(t, projectiontest.Sink{
		New: func(t *testing.T) string {
			dsn := testserver.Postgres(t)
			require.NoError(t, openStore(t, dsn).Close())
			return dsn
		},
		Open: func(ctx context.Context, dsn string) (readmodel.Store, func() error, error) {
			s, err := Open(ctx, dsn)
			if err != nil {
				return nil, nil, err
			}
			return s, s.Close, nil
		},
	})
}
