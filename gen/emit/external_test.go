package emit

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

func TestPackagesOfTypesGetNamesThatAreFree(t *testing.T) {
	external := func(path, name string) *model.Named {
		return &model.Named{Kind: model.External, Go: model.GoType{Path: path, Package: name, Type: "T"}}
	}
	assert.Equal(t, map[string]string{
		"a.com/url": "url", "net/url": "url2", "a.com/cqrs": "cqrs2", "time": "time", "a.com/v": "vpkg", "a.com/row": "rowpkg",
		"a.com/yaml.v3": "yaml", "a.com/len": "lenpkg",
	}, importNames([]*model.Named{
		external("a.com/cqrs", "cqrs"), external("a.com/len", "len"), external("a.com/row", "row"), external("a.com/url", "url"),
		external("a.com/v", "v"), external("a.com/yaml.v3", "yaml"), external("net/url", "url"), external("time", "time"),
	}))
}
