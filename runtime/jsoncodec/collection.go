package jsoncodec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Enum is what generated enums are: text of which only some values are valid.
type Enum interface {
	~string
	Valid() bool
}

// The functions that are passed to the functions below must not keep the pointers that they are given.

// WriteList appends a list; element writes one of its elements.
func WriteList[T any](w *Writer, list []T, element func(*Writer, *T)) {
	if !w.enter('[') {
		return
	}
	for i := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if element(hide(w), &list[i]); w.fault != nil {
			return
		}
	}
	w.leave(']')
}

// WriteStringMap appends an object, in the order of its keys; value writes one of its values.
func WriteStringMap[K ~string, V any](w *Writer, m map[K]V, value func(*Writer, *V)) {
	writeMap(w, m, func(w *Writer, k K) { w.String(string(k)) }, value)
}

// WriteEnumMap is WriteStringMap for keys of an enum, each of which must be valid, or empty if AllowZero was called.
func WriteEnumMap[K Enum, V any](w *Writer, m map[K]V, value func(*Writer, *V)) {
	writeMap(w, m, func(w *Writer, k K) {
		if !k.Valid() && !(w.zero && k == "") {
			w.fail("the key " + quote(string(k)) + " is not a declared value")
			return
		}
		w.String(string(k))
	}, value)
}

// WriteIntMap appends an object with quoted numbers for keys, in their numeric order; value writes one of its values.
func WriteIntMap[K ~int | ~int32 | ~int64, V any](w *Writer, m map[K]V, value func(*Writer, *V)) {
	writeMap(w, m, func(w *Writer, k K) {
		w.b = append(strconv.AppendInt(append(w.b, '"'), int64(k), 10), '"')
	}, value)
}

// WriteUintMap is WriteIntMap for unsigned keys.
func WriteUintMap[K ~uint32 | ~uint64, V any](w *Writer, m map[K]V, value func(*Writer, *V)) {
	writeMap(w, m, func(w *Writer, k K) {
		w.b = append(strconv.AppendUint(append(w.b, '"'), uint64(k), 10), '"')
	}, value)
}

func writeMap[K cmp.Ordered, V any](w *Writer, m map[K]V, key func(*Writer, K), value func(*Writer, *V)) {
	start := len(w.b) - w.start
	if !w.enter('{') {
		return
	}
	var few [16]K // keeps small maps off the heap
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		key(hide(w), k)
		w.b = append(w.b, ':')
		v := m[k]
		if value(hide(w), hide(&v)); w.fault != nil {
			w.fault.maps = append(w.fault.maps, start)
			return
		}
	}
	w.leave('}')
}

// enter begins a list or map, unless there is a fault.
func (w *Writer) enter(bracket byte) bool {
	if w.depth == maxNesting {
		w.fail(fmt.Sprintf("is nested deeper than %d lists and maps", maxNesting))
	}
	if w.fault != nil {
		return false
	}
	w.depth++
	w.b = append(w.b, bracket)
	return true
}

func (w *Writer) leave(bracket byte) {
	w.depth--
	w.b = append(w.b, bracket)
}

// ReadList reads a list; element reads one of its elements into a zero value. An empty list, like null, is nil.
func ReadList[T any](r *Reader, element func(*Reader, *T)) []T {
	if !r.enter('[', "a list") {
		return nil
	}
	// The list grows with what was read, never with what the data promises.
	var list []T
	for r.more(']') {
		if list == nil {
			list = make([]T, 0, 4)
		}
		var zero T
		list = append(list, zero)
		element(hide(r), &list[len(list)-1])
	}
	r.depth--
	return list
}

// ReadStringMap reads an object; value reads one of its values into a zero value. A key that stands twice is refused.
// The map is empty for null, and never nil.
func ReadStringMap[K ~string, V any](r *Reader, value func(*Reader, *V)) map[K]V {
	return readMap(r, func(r *Reader) K { return K(r.keyString()) }, value)
}

// ReadEnumMap is ReadStringMap for keys of an enum, each of which must be valid, or empty if AllowZero was called. Keys
// are copied, also with ViewStrings: an enum has no memory that changes.
func ReadEnumMap[K Enum, V any](r *Reader, value func(*Reader, *V)) map[K]V {
	return readMap(r, func(r *Reader) K {
		k := K(string(r.name))
		if r.fault == nil && !k.Valid() && !(r.zero && k == "") {
			r.fail(r.pos, "the key is not a declared value")
		}
		return k
	}, value)
}

// ReadIntMap is ReadStringMap for keys that are quoted whole numbers.
func ReadIntMap[K ~int | ~int32 | ~int64, V any](r *Reader, value func(*Reader, *V)) map[K]V {
	return readMap(r, func(r *Reader) K {
		n, err := strconv.ParseInt(view(r.name), 10, 64)
		k := K(n)
		var canonical [20]byte
		r.checkKey(err == nil && int64(k) == n, strconv.AppendInt(canonical[:0], n, 10))
		return k
	}, value)
}

// ReadUintMap is ReadIntMap for unsigned keys.
func ReadUintMap[K ~uint32 | ~uint64, V any](r *Reader, value func(*Reader, *V)) map[K]V {
	return readMap(r, func(r *Reader) K {
		n, err := strconv.ParseUint(view(r.name), 10, 64)
		k := K(n)
		var canonical [20]byte
		r.checkKey(err == nil && uint64(k) == n, strconv.AppendUint(canonical[:0], n, 10))
		return k
	}, value)
}

// checkKey fails unless the key is spelled in the one way in which it is written: two spellings of a key would
// otherwise be one key twice.
func (r *Reader) checkKey(inRange bool, canonical []byte) {
	if r.fault == nil && (!inRange || string(r.name) != string(canonical)) {
		r.fail(r.pos, "the key is not a whole number in the range of its type")
	}
}

func readMap[K comparable, V any](r *Reader, key func(*Reader) K, value func(*Reader, *V)) map[K]V {
	m := make(map[K]V)
	r.peek()
	start := r.pos
	if !r.enter('{', "an object") {
		return m
	}
	for r.Field() {
		k := key(hide(r))
		if _, twice := m[k]; twice {
			r.fail(r.pos, "the key stands twice")
		}
		var v V
		if value(hide(r), hide(&v)); r.fault == nil {
			m[k] = v
		}
	}
	r.leaveMap(start)
	return m
}

// keyString returns the name last read as String would.
func (r *Reader) keyString() string {
	if r.strings == CopyStrings || r.escaped {
		return string(r.name)
	}
	return view(r.name)
}

// ReadOptional reads a value that may be null.
func ReadOptional[T any](r *Reader, value func(*Reader, *T)) cqrs.Optional[T] {
	if r.Null() {
		return cqrs.Optional[T]{}
	}
	var v T
	value(hide(r), hide(&v))
	return cqrs.Some(v)
}
