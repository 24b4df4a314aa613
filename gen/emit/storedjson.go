package emit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// storedJSON is the JSON of an event's fields, as the codec of their version wrote it.
func storedJSON(v *model.Value) string {
	var members []string
	for _, f := range v.Fields {
		if f.Value.Type.Kind != model.Optional || !f.Value.Absent {
			members = append(members, quotedJSON(f.Field.Name)+":"+valueJSON(f.Value))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func valueJSON(v *model.Value) string {
	var list []string
	switch v.Type.Kind {
	case model.Optional:
		if v.Absent {
			return "null"
		}
		return valueJSON(v.Items[0])
	case model.List, model.Set:
		for _, x := range v.Items {
			list = append(list, valueJSON(x))
		}
		return "[" + strings.Join(list, ",") + "]"
	case model.Map:
		for _, x := range v.Entries {
			list = append(list, quotedJSON(x.Key.Text)+":"+valueJSON(x.Value))
		}
		return "{" + strings.Join(list, ",") + "}"
	case model.Ref:
		if v.Type.Named.Kind == model.Struct {
			return storedJSON(v)
		}
		if v.Type.Named.Kind == model.External && v.Type.Named.Go.Encoding != model.TextEncoding {
			return v.Text
		}
	}
	switch k := v.Type.Scalar(); {
	case k == model.Duration:
		d, _ := time.ParseDuration(v.Text)
		return strconv.FormatInt(int64(d), 10)
	case k == model.Bool, k.Integer(), k == model.Float64:
		return v.Text
	}
	return quotedJSON(v.Text)
}

// quotedJSON is a text as JSON. What would end a raw string of Go is escaped.
func quotedJSON(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text always encodes
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "`", `\u0060`)
}
