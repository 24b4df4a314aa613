//go:build unix

package main

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
)

// startPostgres starts a server that ends with t, and returns its address.
func startPostgres(t testing.TB) string {
	return testserver.StartPostgres(t, testserver.PostgresOptions{}).DSN()
}

// startNATS starts three servers with this sync_interval, which end with t, and returns their addresses.
func startNATS(t testing.TB, syncInterval string) string {
	return testserver.StartNATS(t, testserver.NATSOptions{SyncInterval: syncInterval}).URL()
}

// startRedis starts a server that keeps nothing on disk and ends with t, and returns its address.
func startRedis(t testing.TB) string {
	return testserver.StartRedis(t, testserver.RedisOptions{}).URL()
}
