//go:build !unix

package main

import "testing"

func startPostgres(t testing.TB) string {
	t.Skip("PostgreSQL can't be started on this system")
	return ""
}

func startNATS(t testing.TB, _ string) string {
	t.Skip("NATS can't be started on this system")
	return ""
}

func startRedis(t testing.TB) string {
	t.Skip("Redis can't be started on this system")
	return ""
}
