package redis

import (
	"context"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/projection/projectiontest"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestProjectorsThatAreKilledStoppedAndResumed(t *testing.T) {
	projectiontest.Run(t, projectiontest.Sink{
		New: func(t *testing.T) string { return testserver.Redis(t) },
		Open: func(ctx context.Context, address string) (readmodel.Store, func() error, error) {
			s, err := Open(ctx, address)
			if err != nil {
				return nil, nil, err
			}
			return s, s.Close, nil
		},
	})
}
