package emit

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

func TestParametersHideNothingThatTheFindersBodyNeeds(t *testing.T) {
	var fields []*plan.Field
	for _, name := range []string{"account", "int64", "string", "len", "ctx", "ctxValue", "readmodel", "time", "m"} {
		fields = append(fields, &plan.Field{Field: &model.Field{Name: name}})
	}
	assert.Equal(t, []string{
		"account", "int64Value", "stringValue", "lenValue", "ctxValue", "ctxValueValue", "readmodelValue", "timeValue", "mValue",
	}, paramNames(fields))
}
