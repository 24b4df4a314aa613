package redis

import (
	"context"
	_ "embed"
	"errors"

	"github.com/redis/go-redis/v9"
)

// The scripts are the steps that nobody sees half of.
var (
	//go:embed scripts/apply.lua
	applyText string
	//go:embed scripts/get.lua
	getText string
	//go:embed scripts/find.lua
	findText string
	//go:embed scripts/count.lua
	countText string
	//go:embed scripts/create.lua
	createText string
	//go:embed scripts/open.lua
	openText string
	//go:embed scripts/reindex.lua
	reindexText string
	//go:embed scripts/fill.lua
	fillText string
	//go:embed scripts/hold.lua
	holdText string
	//go:embed scripts/release.lua
	releaseText string
	//go:embed scripts/list.lua
	listText string
	//go:embed scripts/promote.lua
	promoteText string
	//go:embed scripts/drop.lua
	dropText string
	//go:embed scripts/sweep.lua
	sweepText string
)

// A script is sent once, and then called by its digest.
type script struct{ *redis.Script }

var (
	getScript     = script{redis.NewScript(getText)}
	findScript    = script{redis.NewScript(findText)}
	countScript   = script{redis.NewScript(countText)}
	createScript  = script{redis.NewScript(createText)}
	openScript    = script{redis.NewScript(openText)}
	reindexScript = script{redis.NewScript(reindexText)}
	fillScript    = script{redis.NewScript(fillText)}
	holdScript    = script{redis.NewScript(holdText)}
	releaseScript = script{redis.NewScript(releaseText)}
	listScript    = script{redis.NewScript(listText)}
	promoteScript = script{redis.NewScript(promoteText)}
	dropScript    = script{redis.NewScript(dropText)}
	sweepScript   = script{redis.NewScript(sweepText)}
)

// run calls a script, once the server is known to be one that can keep read models.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	answer, err := call(ctx, func() (any, error) { return sc.Run(ctx, s.client, keys, args...).Result() })
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, s.failed(ctx, err)
	}
	return answer, nil
}

// call makes a call of the client, which ends with the context's deadline, but would not end with the context. What was
// sent by then is done or not, and its answer is waited for elsewhere, as long as the client waits for any.
func call[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		answer T
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := f()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// list returns an answer that is one.
func list(answer any) []any {
	items, _ := answer.([]any)
	return items
}

// text returns the n-th item of an answer, empty if it is not there or not a text.
func text(items []any, n int) string {
	if n >= len(items) {
		return ""
	}
	s, _ := items[n].(string)
	return s
}
