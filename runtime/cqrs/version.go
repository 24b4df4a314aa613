package cqrs

// Versioned is an Event whose declaration has changed since it was first stored.
type Versioned interface {
	Event
	// EventVersion returns the version of its declaration, from 2.
	EventVersion() int
}

// VersionOf returns the version of an event's declaration, from 1: the SchemaVersion of its records.
func VersionOf(e Event) int {
	if v, ok := e.(Versioned); ok {
		return v.EventVersion()
	}
	return 1
}
