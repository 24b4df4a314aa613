package jsoncodec_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// moveStack makes the stack of its goroutine grow, and so move, and lets the garbage collector see it.
//
//go:noinline
func moveStack(depth int) int {
	var frame [512]byte
	if frame[depth%len(frame)] = byte(depth); depth == 0 {
		runtime.GC()
		return 0
	}
	return moveStack(depth-1) + int(frame[depth%len(frame)])
}

func TestStacksMayMoveWhileFunctionsThatWerePassedRun(t *testing.T) {
	var wg sync.WaitGroup
	for depth := 1; depth < 200; depth += 13 { // each goroutine starts with a small stack
		wg.Go(func() { checkMovingStack(t, depth) })
	}
	wg.Wait()
}

func checkMovingStack(t *testing.T, depth int) {
	want := map[SKU][]cqrs.Optional[string]{
		"a": {cqrs.Some("long enough to be on the heap"), {}, cqrs.Some("x")},
		"b": nil,
	}
	w := jsoncodec.NewWriter(nil)
	jsoncodec.WriteStringMap(&w, want, func(w *writer, v *[]cqrs.Optional[string]) {
		moveStack(depth)
		jsoncodec.WriteList(w, *v, func(w *writer, v *cqrs.Optional[string]) {
			moveStack(2 * depth)
			if s, ok := v.Get(); ok {
				w.String(s)
			} else {
				w.Null()
			}
		})
	})
	data, err := w.Finish("T")
	assert.NoError(t, err)
	assert.Equal(t, `{"a":["long enough to be on the heap",null,"x"],"b":[]}`, string(data))

	r := jsoncodec.NewReader(data, jsoncodec.CopyStrings)
	got := jsoncodec.ReadStringMap[SKU](&r, func(r *reader, v *[]cqrs.Optional[string]) {
		moveStack(4 * depth)
		*v = jsoncodec.ReadList(r, func(r *reader, v *cqrs.Optional[string]) {
			moveStack(8 * depth)
			*v = jsoncodec.ReadOptional(r, func(r *reader, v *string) {
				moveStack(16 * depth)
				*v = r.String()
				moveStack(32 * depth)
			})
		})
	})
	assert.NoError(t, r.Finish("T"))
	assert.Equal(t, want, got)
}
