package generation

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestOnlyWhatTheLogHasErasedMayDiffer(t *testing.T) {
	text, column := readmodel.OfString, readmodel.Column{Kind: readmodel.String, Sealed: true}
	assert.True(t, erasedSince(column, text("c2VhbGVk"), text("")))
	assert.False(t, erasedSince(column, text(""), text("c2VhbGVk")), "the log has it")
	assert.False(t, erasedSince(column, text("c2VhbGVk"), text("b3RoZXI=")))
	assert.False(t, erasedSince(column, readmodel.Value{}, text("")))

	column.Kind = readmodel.JSON
	for _, c := range []struct {
		stored, folded string
		want           bool
	}{
		{`{"n":1,"mail":{"$sealed":"AA"}}`, `{"n":1,"mail":{"$erased":""}}`, true},
		{`[{"mail":{"$erased":""}},{"mail":{"$sealed":"AA"}}]`, `[{"mail":{"$erased":"x"}},{"mail":{"$sealed":"AA"}}]`, true},
		{`{"n":1,"mail":{"$sealed":"AA"}}`, `{"n":2,"mail":{"$erased":""}}`, false},
		{`{"n":1,"mail":{"$erased":""}}`, `{"n":1,"mail":{"$sealed":"AA"}}`, false},
		{`{"n":1,"mail":{"$sealed":"AA"}}`, `{"n":1,"mail":{"$sealed":"BB"}}`, false},
		{`{"n":1,"mail":"clear"}`, `{"n":1,"mail":{"$erased":""}}`, false},
		{`{"n":[1]}`, `{"n":1}`, false},
		{`[1]`, `[1,2]`, false},
		{`{"n":`, `{}`, false},
	} {
		assert.Equal(t, c.want, erasedSince(column, readmodel.OfJSON([]byte(c.stored)), readmodel.OfJSON([]byte(c.folded))), c.stored)
	}
}
