package contract

import (
	"encoding/json"
	"time"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// jsonValue is a value of the model as the codec writes it.
func jsonValue(v *model.Value) any {
	switch v.Type.Kind {
	case model.Optional:
		if v.Absent || len(v.Items) == 0 {
			return nil
		}
		return jsonValue(v.Items[0])
	case model.List, model.Set:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, jsonValue(item))
		}
		return list
	case model.Map:
		o := object{}
		for _, e := range v.Entries {
			o = append(o, member{e.Key.Text, jsonValue(e.Value)})
		}
		return o
	case model.Ref:
		if v.Type.Named.Kind == model.Struct {
			return structValue(v)
		}
		if v.Type.Named.Kind == model.External && v.Type.Named.Go.Encoding != model.TextEncoding {
			return json.RawMessage(v.Text)
		}
	}
	return scalarValue(v)
}

func structValue(v *model.Value) object {
	o := object{}
	for _, f := range v.Fields {
		if !f.Value.Absent {
			o = append(o, member{f.Field.Name, jsonValue(f.Value)})
		}
	}
	return o
}

func scalarValue(v *model.Value) any {
	switch k := v.Type.Scalar(); {
	case k == model.Bool:
		return v.Text == "true"
	case k == model.Duration:
		d, _ := time.ParseDuration(v.Text) // which is canonical
		return int64(d)
	case (k.Integer() || k == model.Float64) && json.Valid([]byte(v.Text)):
		return json.Number(v.Text)
	}
	return v.Text
}
