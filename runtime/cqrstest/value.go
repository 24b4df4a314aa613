package cqrstest

import (
	"encoding"
	"encoding/json"
	"fmt"
)

// Text returns the value that a type of another package reads from a text. It panics where the type refuses the text.
func Text[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string) T {
	var v T
	if err := P(&v).UnmarshalText([]byte(text)); err != nil {
		panic(fmt.Sprintf("the scenario's text %q is no %T: %v", text, v, err))
	}
	return v
}

// JSON returns the value that a type of another package has as JSON. It panics where the type refuses the JSON.
func JSON[T any](text string) T {
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(fmt.Sprintf("the scenario's JSON %s is no %T: %v", text, v, err))
	}
	return v
}
