package jsoncodec_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

func writeInts(s cqrs.Set[int]) (string, error) {
	w := jsoncodec.NewWriter(nil)
	w.Raw(`{"ids":`)
	jsoncodec.WriteSet(&w, s, cmp.Compare, func(w *jsoncodec.Writer, x *int) { w.Int(int64(*x)) })
	w.Raw(`}`)
	b, err := w.Finish("Ints")
	return string(b), err
}

func readStrings(data string) (s cqrs.Set[string], err error) {
	r := jsoncodec.NewReader([]byte(data), jsoncodec.CopyStrings)
	for r.Object(); r.Field(); {
		s = jsoncodec.ReadSet(&r, func(r *jsoncodec.Reader, x *string) { *x = r.String() })
	}
	return s, r.Finish("Strings")
}

func TestASetIsWrittenInOrder(t *testing.T) {
	for range 20 {
		text, err := writeInts(cqrs.SetOf(10, 9, -1, 100, 2))
		require.NoError(t, err)
		assert.Equal(t, `{"ids":[-1,2,9,10,100]}`, text)
	}
	text, err := writeInts(nil)
	require.NoError(t, err)
	assert.Equal(t, `{"ids":[]}`, text)
}

func TestASetIsReadInAnyOrder(t *testing.T) {
	s, err := readStrings(`{"ids":["b","a"]}`)
	require.NoError(t, err)
	assert.Equal(t, cqrs.SetOf("a", "b"), s)
	for _, empty := range []string{`{"ids":[]}`, `{"ids":null}`} {
		s, err = readStrings(empty)
		require.NoError(t, err)
		assert.Equal(t, cqrs.Set[string]{}, s)
	}
}

func TestAnElementThatStandsTwiceIsRefused(t *testing.T) {
	_, err := readStrings(`{"ids":["a","b", "a"]}`)
	require.ErrorContains(t, err, "ids[2]")
	require.ErrorContains(t, err, "twice")
	_, err = readStrings(`{"ids":["a",1]}`)
	require.ErrorContains(t, err, "ids[1]")
	_, err = readStrings(`{"ids":{}}`)
	require.ErrorContains(t, err, "a list")
}

func TestSmallSetsAreWrittenWithoutAnAllocation(t *testing.T) {
	s, b := cqrs.SetOf("b", "a", "c"), make([]byte, 0, 100)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		w := jsoncodec.NewWriter(b)
		jsoncodec.WriteSet(&w, s, strings.Compare, func(w *jsoncodec.Writer, x *string) { w.String(*x) })
		b, _ = w.Finish("Set")
		b = b[:0]
	}))
}
