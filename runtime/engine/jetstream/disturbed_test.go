package jetstream

import (
	"fmt"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
)

func TestHistoriesAreLinearizableWhileLeadersAreKilled(t *testing.T) {
	random := soak.Rand(t)
	cluster := testserver.StartNATS(t, testserver.NATSOptions{})
	logs, kills := 0, 0
	var log *Log
	opened := func(t testing.TB) logtest.Harness {
		logs++
		url := fmt.Sprintf("%s/disturbed%d", cluster.URL(), logs)
		log = open(t, url)
		return logtest.Harness{
			Log: log, Snapshots: log, Close: log.Close, StaleReads: true,
			Again: func(t testing.TB) eventlog.Log { return open(t, url) },
		}
	}
	logtest.RunDisturbed(t, opened, func(done <-chan struct{}) {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(100+random.IntN(900)) * time.Millisecond):
			}
			if leader := cluster.StreamLeader(log.names.logStream()); leader >= 0 {
				cluster.Kill(t, leader)
				cluster.StartAll(t)
				kills++
			}
		}
	})
	soak.Logf(t, "the leader was killed %d times", kills)
}
