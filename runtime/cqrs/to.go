package cqrs

// To is an event with the id of the stream that gets it: what deciders return for commands that load a stream for each
// element of a list.
type To[ID, E any] struct {
	ID    ID
	Event E
}
