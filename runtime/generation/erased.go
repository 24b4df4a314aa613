package generation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// erasedSince reports whether two values of a column of personal data differ only because data were erased after the first
// one was stored. That they were erased is what the log says now: what is erased in the row alone is wrong.
func erasedSince(c readmodel.Column, stored, folded readmodel.Value) bool {
	switch {
	case stored.Kind() != folded.Kind():
		return false
	case c.Kind == readmodel.JSON:
		a, aok := parse(stored.Text())
		b, bok := parse(folded.Text())
		return aok && bok && sameButErased(a, b)
	}
	return folded == readmodel.OfString("")
}

// parse reads JSON, with numbers as they are written.
func parse(text string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

func sameButErased(stored, folded any) bool {
	switch f := folded.(type) {
	case map[string]any:
		s, ok := stored.(map[string]any)
		if ok && only(f, "$erased") && (only(s, "$erased") || only(s, "$sealed")) {
			return true
		}
		return ok && maps.EqualFunc(s, f, sameButErased)
	case []any:
		s, ok := stored.([]any)
		return ok && slices.EqualFunc(s, f, sameButErased)
	}
	switch stored.(type) {
	case map[string]any, []any: // which can't be compared
		return false
	}
	return stored == folded
}

// only reports whether an object has this field alone: how personal data stand in JSON.
func only(object map[string]any, name string) bool {
	_, ok := object[name]
	return ok && len(object) == 1
}
