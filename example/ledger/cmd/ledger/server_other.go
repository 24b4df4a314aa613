//go:build !unix

package main

// withServer calls f with the place. It starts no server.
func withServer(at place, f func(place, server) error) error { return f(at, nil) }

// withRedis calls f with the place. It starts no server.
func withRedis(at place, f func(place) error) error { return f(at) }
