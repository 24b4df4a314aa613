package jsoncodec

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// WriteSet appends a set as a list in the order of compare; element writes one of its elements.
func WriteSet[T comparable](w *Writer, s cqrs.Set[T], compare func(a, b T) int, element func(*Writer, *T)) {
	if !w.enter('[') {
		return
	}
	var few [16]T // keeps small sets off the heap
	list := s.AppendSorted(few[:0], compare)
	for i := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if element(hide(w), hide(&list[i])); w.fault != nil {
			return
		}
	}
	w.leave(']')
}

// ReadSet reads a list in any order, of which element reads one element into a zero value. An element that stands
// twice is refused. The set is empty for null, and never nil.
func ReadSet[T comparable](r *Reader, element func(*Reader, *T)) cqrs.Set[T] {
	s := make(cqrs.Set[T])
	if !r.enter('[', "a list") {
		return s
	}
	for r.more(']') {
		r.peek()
		at := r.pos
		var v T
		if element(hide(r), hide(&v)); r.fault == nil && s.Has(v) {
			r.fail(at, "the element stands twice")
		}
		if r.fault == nil {
			s[v] = struct{}{}
		}
	}
	r.depth--
	return s
}
