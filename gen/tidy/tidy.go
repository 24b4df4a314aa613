// Package tidy brings model files into their canonical form. It changes white space, and quotes that nothing needs; the
// order of things, comments, and where a flow mapping or a text breaks its lines stay as they were written.
//
// It works on the text and not on the tree of a YAML parser, which would move comments and break lines anew. What comes
// out is read again: unless it means just the same, it is not used.
package tidy

import (
	"errors"
	"reflect"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// ErrUnsupported says that a file uses YAML in a way that this package can't lay out without changing what it means.
// The file is fine as it is.
var ErrUnsupported = errors.New("this use of YAML can't be laid out without changing what it means")

// Model returns the canonical form of a model file. name is the file's name; what is wrong with the file is added to d,
// and where there is an error nothing is returned.
func Model(name string, src []byte, d *diag.List) ([]byte, error) {
	before := schema.Parse(name, src, d)
	if d.Failed() {
		return nil, nil
	}
	text, err := layout(string(src))
	if err != nil {
		return nil, err
	}
	var after diag.List
	tree := schema.Parse(name, []byte(text), &after)
	if after.Len() > 0 || !same(reflect.ValueOf(before), reflect.ValueOf(tree)) {
		return nil, ErrUnsupported
	}
	return []byte(text), nil
}

var (
	spanType = reflect.TypeFor[diag.Span]()
	textType = reflect.TypeFor[schema.Text]()
)

// same reports whether two syntax trees are the same but for where things stand.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		switch a.Type() {
		case spanType: // the zero span marks what was not written
			return a.IsZero() == b.IsZero()
		case textType: // how the file spells it is left out
			return same(a.FieldByName("Value"), b.FieldByName("Value")) && same(a.FieldByName("At"), b.FieldByName("At"))
		}
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if !same(a.MapIndex(key), b.MapIndex(key)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}
