package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// passing are the beginnings of the answers of a server that will do what it was asked later: it starts, fails over, is
// full or can't write its files, or runs a script that takes long.
var passing = []string{
	"LOADING ", "READONLY ", "MASTERDOWN ", "NOREPLICAS ", "OOM ", "MISCONF ", "BUSY ", "TRYAGAIN ", "EXECABORT ",
	"ERR max number of clients reached",
}

// failed gives an error of the client its meaning: cqrs.ErrClosed, that of the context, readmodel.ErrUnavailable for all
// that passes by itself, or that of an answer that nobody expected.
func (s *Store) failed(ctx context.Context, err error) error {
	var network net.Error
	switch {
	case err == nil:
		return nil
	case s.closed.Load() || errors.Is(err, redis.ErrClosed):
		return cqrs.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case late(ctx):
		return context.DeadlineExceeded // the connection's deadline, which is the context's, was faster
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) || errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
	}
	for _, beginning := range passing {
		if strings.HasPrefix(err.Error(), beginning) {
			return fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
		}
	}
	return err
}

// late reports whether the deadline of a context is over.
func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}
