package postgres

import (
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
)

func TestHistoriesAreLinearizableWhileTheServerIsKilled(t *testing.T) {
	random := soak.Rand(t)
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	kills := 0
	logtest.RunDisturbed(t, harness(server.DSN()), func(done <-chan struct{}) {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(20+random.IntN(300)) * time.Millisecond):
			}
			server.Kill(t)
			server.Start(t)
			kills++
		}
	})
	soak.Logf(t, "the server was killed %d times", kills)
}
