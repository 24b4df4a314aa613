package main

// server is what the demo started for itself to keep the log on.
type server interface {
	// crash kills it, or one of several, and starts it again.
	crash() error
}
