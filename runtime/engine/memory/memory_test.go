package memory_test

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheLogInMemoryConforms(t *testing.T) { logtest.Run(t, harness) }

func TestTheLogInMemoryKeepsItsPromisesUnderSeries(t *testing.T) { logtest.RunSeries(t, harness) }

func harness(testing.TB) logtest.Harness {
	l := memory.New()
	return logtest.Harness{Log: l, Snapshots: l, Gapless: true, Close: l.Close}
}
