//go:build unix

package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
)

// withServer calls f with the place, on a server of its own where the engine needs one and none is named.
func withServer(at place, f func(place, server) error) error {
	switch {
	case at.engine == "postgres" && at.dsn == "":
		return testserver.Run(func(t testing.TB) error {
			s := testserver.StartPostgres(t, testserver.PostgresOptions{})
			at.dsn = s.DSN()
			return f(at, &postgresServer{s})
		})
	case at.engine == "jetstream" && at.url == "":
		return testserver.Run(func(t testing.TB) error {
			c := testserver.StartNATS(t, testserver.NATSOptions{})
			at.url = c.URL()
			return f(at, &natsServers{c})
		})
	}
	return f(at, nil)
}

// withRedis calls f with the place, whose movements are in a Redis of its own unless a flag says where they are, or none is
// installed.
func withRedis(at place, f func(place) error) error {
	if at.movements != "" {
		return f(at)
	}
	started := false
	err := testserver.Run(func(t testing.TB) error {
		s := testserver.StartRedis(t, testserver.RedisOptions{})
		started, at.movements = true, s.URL()
		return f(at)
	})
	if !started && errors.As(err, new(*testserver.MissingError)) {
		return f(at)
	}
	return err
}

type postgresServer struct{ *testserver.PostgresServer }

func (s *postgresServer) crash() error {
	fmt.Println("killed the PostgreSQL server; started it again")
	return testserver.Run(func(t testing.TB) error {
		s.Kill(t)
		s.Start(t)
		return nil
	})
}

type natsServers struct{ *testserver.NATSCluster }

func (s *natsServers) crash() error {
	fmt.Println("killed one of the three NATS servers; started it again")
	return testserver.Run(func(t testing.TB) error {
		s.Kill(t, 0)
		s.Launch(t, 0)
		s.AwaitHealthy(t)
		return nil
	})
}
