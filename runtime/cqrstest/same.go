package cqrstest

import (
	"math"
	"reflect"
)

// same is reflect.DeepEqual, but for NaN, which is the same as NaN: a fold may rightly make what is no number of random
// sums.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || sameValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

func sameValue(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid() && !a.IsValid()
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	case reflect.Pointer, reflect.Interface:
		return sameValue(a.Elem(), b.Elem()) // of nil neither is valid
	case reflect.Struct:
		return all(a.NumField(), func(i int) bool { return sameValue(a.Field(i), b.Field(i)) })
	case reflect.Slice:
		return a.IsNil() == b.IsNil() && a.Len() == b.Len() && sameElements(a, b)
	case reflect.Array:
		return sameElements(a, b)
	case reflect.Map:
		keys := a.MapKeys()
		return a.IsNil() == b.IsNil() && a.Len() == b.Len() &&
			all(len(keys), func(i int) bool { return sameValue(a.MapIndex(keys[i]), b.MapIndex(keys[i])) })
	case reflect.Func:
		return a.IsNil() && b.IsNil()
	}
	return a.Equal(b)
}

func sameElements(a, b reflect.Value) bool {
	return all(a.Len(), func(i int) bool { return sameValue(a.Index(i), b.Index(i)) })
}

// all reports whether something holds for each number from 0 to below n.
func all(n int, holds func(i int) bool) bool {
	for i := range n {
		if !holds(i) {
			return false
		}
	}
	return true
}
