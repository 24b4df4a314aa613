package main

// server is a server that the demo started for itself.
type server interface {
	// crash kills the server and starts it again.
	crash() error
}

// withServer calls f with the place, on a server of its own where the engine needs one and none is named.
func withServer(at place, f func(place, server) error) error {
	return f(at, nil)
}
