package cqrs

// The functions below copy what holds values that share memory. Generated folds call them where a value goes from one
// place of a state to another, so that changing one of the two never changes the other.

// CloneList returns a copy of a list; element copies one of its elements.
func CloneList[T any](list []T, element func(T) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = element(v)
	}
	return out
}

// CloneMap returns a copy of a map; value copies one of its values.
func CloneMap[K comparable, V any](m map[K]V, value func(V) V) map[K]V {
	if m == nil {
		return nil
	}
	out := make(map[K]V, len(m))
	for k, v := range m {
		out[k] = value(v)
	}
	return out
}

// CloneOptional returns a copy of an optional; value copies what it holds.
func CloneOptional[T any](o Optional[T], value func(T) T) Optional[T] {
	if !o.ok {
		return o
	}
	return Some(value(o.value))
}
