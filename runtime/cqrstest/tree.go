package cqrstest

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// tree is a value as its JSON has it: a map[string]any, []any, string, json.Number, bool or nil. Events, rejections,
// keys and rows are compared as trees, because their names are those of the model, and because it is there that a value
// of any type is written in one way.
type tree struct{ value any }

// jsonOf returns the tree of a Go value.
func jsonOf(v any) tree { return tree{spelling{}.valueOf(reflect.ValueOf(v))} }

// storedAs returns a value as events have it in a log.
func storedAs(v reflect.Value) any { return spelling{lists: true}.valueOf(v) }

// spelling is a way to write values. With lists a set is one, as the log has it; else people read it as an object, whose
// names are the elements.
type spelling struct{ lists bool }

// valueOf is what encoding/json would write and read again, but for values that it refuses, such as the zero date of
// an expectation that says nothing of it: they are written as they print.
func (s spelling) valueOf(v reflect.Value) any {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		return s.valueOf(v.Elem())
	}
	if !v.IsValid() {
		return nil
	}
	if content, ok := personal.Content(v.Interface()); ok {
		return s.valueOf(reflect.ValueOf(content))
	}
	if o, ok := v.Interface().(interface{ Present() bool }); ok {
		if !o.Present() {
			return nil
		}
		return s.valueOf(v.MethodByName("Get").Call(nil)[0])
	}
	switch v.Interface().(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return leafOf(v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return s.fieldsOf(v)
	case reflect.Map:
		if s.lists && v.Type().Elem() == reflect.TypeFor[struct{}]() {
			return s.elementsOf(v)
		}
		object := map[string]any{}
		for _, key := range v.MapKeys() {
			object[fmt.Sprint(key.Interface())] = s.valueOf(v.MapIndex(key))
		}
		return object
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return leafOf(v) // bytes, also of a type of their own
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.valueOf(v.Index(i))
		}
		return list
	}
	return leafOf(v)
}

func (s spelling) fieldsOf(v reflect.Value) any {
	object := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if options == "omitzero" && v.Field(i).IsZero() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		object[name] = s.valueOf(v.Field(i))
	}
	return object
}

// elementsOf are those of a set, in the order of their texts.
func (s spelling) elementsOf(v reflect.Value) any {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		return strings.Compare(fmt.Sprint(a.Interface()), fmt.Sprint(b.Interface()))
	})
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = s.valueOf(key)
	}
	return list
}

func leafOf(v reflect.Value) any {
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return treeOf(b).value
}

func treeOf(b []byte) tree {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var t tree
	if err := d.Decode(&t.value); err != nil {
		return tree{string(b)}
	}
	return t
}

// text returns the tree's JSON without the paths that are left out.
func (t tree) text(except []string) string {
	b, err := json.Marshal(without(t.value, "", except))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func without(v any, path string, except []string) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, x := range v {
			if p := below(path, name); !slices.Contains(except, p) {
				kept[name] = without(x, p, except)
			}
		}
		return kept
	case []any:
		kept := []any{}
		for i, x := range v {
			if p := item(path, i); !slices.Contains(except, p) {
				kept = append(kept, without(x, p, except))
			}
		}
		return kept
	}
	return v
}

// below and item make the paths that people write: lines[2].sku.
func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// diff says, line by line, where two trees differ; it returns "" if they do not.
func (t tree) diff(got tree, except []string) string {
	d := differ{except: except}
	d.compare("", t.value, got.value)
	return strings.Join(d.lines, "\n")
}

// missing stands for a field that is not there: an optional without a value.
type missing struct{}

type differ struct {
	except []string
	lines  []string
}

func (d *differ) compare(path string, want, got any) {
	if slices.Contains(d.except, path) || empty(want) && empty(got) {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			d.objects(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			d.lists(path, w, g)
			return
		}
	default:
		if want == got {
			return
		}
	}
	if path == "" {
		path = "value"
	}
	d.lines = append(d.lines, fmt.Sprintf("    %s: want %s, got %s", path, show(want), show(got)))
}

func (d *differ) objects(path string, want, got map[string]any) {
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		d.compare(below(path, name), valueAt(want, name), valueAt(got, name))
	}
}

func valueAt(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	return missing{}
}

func (d *differ) lists(path string, want, got []any) {
	for i := range max(len(want), len(got)) {
		w, g := any(missing{}), any(missing{})
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		d.compare(item(path, i), w, g)
	}
}

// empty reports whether a value is a list or a map of nothing: nil and empty ones are the same to Go's programs.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func show(v any) string {
	if _, none := v.(missing); none {
		return "nothing"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
