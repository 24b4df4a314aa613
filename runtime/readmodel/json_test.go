package readmodel

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

func TestAColumnOfJSONKeepsZeroValues(t *testing.T) {
	days := []cqrs.Date{{}, {Year: 2026, Month: 3, Day: 1}}
	v, err := JSONOf("Row", &days, func(w *jsoncodec.Writer, v *[]cqrs.Date) {
		jsoncodec.WriteList(w, *v, func(w *jsoncodec.Writer, d *cqrs.Date) { w.Date(*d) })
	})
	require.NoError(t, err)
	assert.Equal(t, `["","2026-03-01"]`, v.Text())

	var got []cqrs.Date
	s := NewScanner("P", []Column{{Name: "days", Kind: JSON}}, []Value{v})
	ReadJSON(s, &got, func(r *jsoncodec.Reader, v *[]cqrs.Date) {
		*v = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, d *cqrs.Date) { *d = r.Date() })
	})
	require.NoError(t, s.Err())
	assert.Equal(t, days, got)
}
